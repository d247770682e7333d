"""The version, apart from the library, so that packaging can read it without torch."""

VERSION = "0.1.0"

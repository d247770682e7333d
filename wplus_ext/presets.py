"""Curves to begin with, by what the editors' menus call them."""

PRESETS = {  # of lambda; of an identity's alpha they are so much larger
    "From less to more": "-0.7 > 0 > 0.7",
    "There and back": "0 > 0.7 > 0",
    "Steady": "0.5",
    "Fade in": "0 > 0.7",
    "Pulse, again and again": "loop 0%:(0):smooth, 50%:(0.7):smooth",
    "Blink: down and up in the middle": "0%:(0), 45%:(0):smooth, 50%:(-0.7):smooth, 55%:(0)",
}

// Answers tests/test_language.py: tasks as JSON on standard input, answers as JSON on standard output.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { TrackError, evaluate, format, formatSchedule, parse, parseSchedule } from "../javascript/wplus_curve.mjs";
import { ellipsesOf, formatRegions, parseRegions } from "../javascript/wplus_regions.mjs";

const key = ({ position, value, unit, easing, bezier }) => [position, value, unit, easing, bezier];
const track = ({ name, layers, region, line, schedule }) => {
    return [name, layers, region, line, schedule.loop, schedule.keys.map(key)];
};
const region = ({ name, line, parts }) => [name, line, parts.map(({ loop, keys }) => [loop, keys.map(key)])];
const hash = (bytes) => createHash("sha1").update(bytes).digest("hex");
const TASKS = {
    evaluate: ({ schedule, frames }) => evaluate(schedule, frames),
    // The bits of all values, as one hash: no number is written as text.
    bits: ({ schedule, frames }) => hash(Float64Array.from(evaluate(schedule, frames))),
    formatSchedule: ({ schedule }) => formatSchedule(parseSchedule(schedule)),
    format: ({ text }) => format(parse(text)),
    parse: ({ text }) => parse(text).map(track),
    formatRegions: ({ text }) => formatRegions(parseRegions(text)),
    parseRegions: ({ text }) => parseRegions(text).map(region),
    ellipses: ({ text, frames }) => parseRegions(text).map((each) => ellipsesOf(each, frames)),
    // As one hash too.
    regionBits: ({ text, frames }) => {
        return hash(Float64Array.from(parseRegions(text).flatMap((each) => ellipsesOf(each, frames).flat())));
    },
};

function answer([task, args]) {
    try {
        return TASKS[task](args);
    } catch (fault) {
        if (!(fault instanceof TrackError)) throw fault;
        return { line: fault.line, column: fault.column, message: fault.fault };
    }
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(answer)));

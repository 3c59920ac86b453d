//! The config's JSON Schema, for editors: its keys are those that the config is read by.
//!
//! Draft 7 is what editors of TOML know: <https://json-schema.org/draft-07>.

use serde_json::{Map, Value, json};

use super::keys;

const NUMBER: &str = r"^\s*[0-9]+(\.[0-9]+)?\s*";
const SIZE: &str = r"([kMGT]?B|[KMGT]iB)";

/// The schema of `memguard.toml`.
#[must_use]
pub fn schema() -> Value {
    let mut schema = table("Memory budgets, checked by `memguard run`.", keys::TOP, top);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("memguard.toml");
    schema["required"] = json!(["workload"]);
    schema
}

/// A table with these keys and no others.
fn table(description: &str, keys: &[&str], of: impl Fn(&str) -> Value) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|key| ((*key).to_owned(), of(key))).collect();
    json!({
        "type": "object",
        "description": description,
        "additionalProperties": false,
        "properties": properties,
    })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn pattern(description: &str, pattern: &str) -> Value {
    json!({ "type": "string", "description": description, "pattern": pattern })
}

fn size(description: &str) -> Value {
    pattern(&format!("{description} MiB is 2^20 bytes, MB is 10^6."), &format!("{NUMBER}{SIZE}\\s*$"))
}

fn rate(description: &str) -> Value {
    pattern(&format!("{description} Such as \"2 MiB/min\"."), &format!(r"{NUMBER}{SIZE}\s*/\s*(s|m|min|h|d)\s*$"))
}

fn time(description: &str) -> Value {
    pattern(
        &format!("{description} Such as \"10ms\", \"5s\", \"10m\" or \"2h\"."),
        &format!(r"{NUMBER}(us|µs|ms|s|m|min|h|d)\s*$"),
    )
}

fn choice(description: &str, words: &[&str]) -> Value {
    json!({ "type": "string", "description": description, "enum": words })
}

/// A line for the shell, or words without one.
fn command(description: &str) -> Value {
    let words = json!({ "type": "array", "minItems": 1, "items": { "type": "string" } });
    let description = format!("{description} A line for the shell, or a list of words that are run without one.");
    json!({ "description": description, "anyOf": [{ "type": "string" }, words] })
}

fn list(description: &str, items: &Value) -> Value {
    json!({ "type": "array", "description": description, "items": items })
}

fn one_or_more(description: &str, item: &Value) -> Value {
    json!({ "description": description, "anyOf": [item, { "type": "array", "items": item }] })
}

fn top(key: &str) -> Value {
    match key {
        "defaults" => table("Keys of a workload that hold for all of them.", &without_own(), workload),
        "baseline" => table("What results are compared with.", keys::BASELINE, baseline),
        _ => {
            let mut one = table("A command that is run and watched.", keys::WORKLOAD, workload);
            one["required"] = json!(["name"]);
            list("The commands that are run and watched.", &one)
        }
    }
}

fn without_own() -> Vec<&'static str> {
    keys::WORKLOAD.iter().copied().filter(|key| !keys::OWN.contains(key)).collect()
}

fn baseline(key: &str) -> Value {
    match key {
        "file" => text("Where it is kept; commit it. `memguard baseline accept` alone changes it."),
        "ref" => text("Judge by the file as it was where HEAD and this commit meet, such as origin/main."),
        "required" => {
            json!({ "type": "boolean", "description": "Whether having nothing to compare with fails (exit code 6)." })
        }
        "label" => text("Tells results of this kind of machine from others of its system."),
        _ => json!({}),
    }
}

fn workload(key: &str) -> Value {
    match key {
        "name" => pattern("Names the folder of its artifacts.", "^[A-Za-z0-9_-]([A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?$"),
        "run" => command("What is run and watched."),
        "before" => command("Run before each run, not measured."),
        "drive" => command("A load for a server that is ready, not measured; the server is stopped when it ends."),
        "env" => json!({
            "type": "object",
            "description": "Variables, added to memguard's own environment.",
            "additionalProperties": { "type": "string" },
        }),
        "cwd" => text("The working folder, from the config's."),
        "timeout" => time("A run that takes longer is stopped, and has failed."),
        "runs" => json!({
            "type": "integer", "minimum": 1, "maximum": 1000,
            "description": "How often it is run: budgets judge the worst run, regressions the median.",
        }),
        "interval" => time("The time between two readings, 1ms at the least."),
        "metric" => choice("What a sample adds up.", &["footprint", "rss", "private"]),
        "source" => choice("What reads the memory.", &["proc", "cgroup", "portable"]),
        "ready" => table("What ends start-up: one of log, port, file, command, after.", keys::READY, ready),
        "stop" => table("How a workload is asked to stop.", keys::STOP, stop),
        "abort_above" => size("A run is ended at once when it crosses this, and has failed."),
        "logs" => one_or_more(
            "Files that it writes its log into.",
            &json!({ "anyOf": [{ "type": "string" }, table("A log.", keys::LOG, log)] }),
        ),
        "redact" => one_or_more("Regular expressions: what matches is stored nowhere.", &json!({ "type": "string" })),
        "budget" => table("Absolute limits, of which each judges the worst run.", keys::MEASURES, budget),
        "regression" => table("How far above the baseline the median may go.", keys::MEASURES, tolerance),
        "level" => choice("Whether a crossed limit fails, or is only reported.", &["fail", "warn"]),
        "phase" => {
            let mut one = table("A window of the run with limits of its own.", keys::PHASE, phase);
            one["required"] = json!(["name"]);
            list("Windows of the run with limits of their own.", &one)
        }
        "platform" => json!({
            "type": "object",
            "description": "Keys that hold on one system, or on one system and architecture: linux, macos-aarch64.",
            "additionalProperties": false,
            "patternProperties": {
                "^(linux|macos|windows)(-.+)?$": table("Keys of a workload.", &without_own(), workload),
            },
        }),
        _ => json!({}),
    }
}

fn ready(key: &str) -> Value {
    match key {
        "after" => time("So long after launch."),
        "log" => text("The first line of output that matches this regular expression."),
        "port" => {
            json!({ "type": "integer", "minimum": 1, "maximum": 65535, "description": "A TCP port that accepts." })
        }
        "file" => text("A file that exists, written since the launch."),
        "command" => command("A command that exits 0, tried again and again."),
        "within" => time("Start-up that takes longer fails the run."),
        _ => json!({}),
    }
}

fn stop(key: &str) -> Value {
    match key {
        "signal" => pattern("What asks it to stop.", "^(SIG)?(HUP|INT|QUIT|TERM|KILL|USR1|USR2)$"),
        "grace" => time("How long it may take before it is killed."),
        _ => json!({}),
    }
}

fn log(key: &str) -> Value {
    match key {
        "path" => text("The file."),
        "time" => text("How each line begins, as for strptime: %f are decimals of a second."),
        "zone" => text("\"local\", \"UTC\", \"+02:00\", \"Europe/Berlin\"."),
        _ => json!({}),
    }
}

fn budget(key: &str) -> Value {
    match key {
        "peak" => size("The most that it may take."),
        "startup" => size("The most that it may take until it is ready."),
        "retained" => size("What it may hold at its end above what it held when ready."),
        "growth" => rate("How fast it may grow once it is ready."),
        _ => json!({}),
    }
}

fn tolerance(key: &str) -> Value {
    let percent = json!({
        "description": "In percent of the baseline.",
        "anyOf": [
            { "type": "number", "minimum": 0 },
            pattern("Such as \"5%\".", &format!(r"{NUMBER}%\s*$")),
        ],
    });
    let at_least = if key == "growth" {
        rate("A rise of less is never a regression.")
    } else {
        size("A rise of less is never a regression.")
    };
    let both = table("Both must be crossed.", keys::TOLERANCE, |key| match key {
        "percent" => percent.clone(),
        "at_least" => at_least.clone(),
        _ => json!({}),
    });
    json!({ "description": format!("How far `{key}` may go above the baseline."), "anyOf": [percent, both] })
}

fn phase(key: &str) -> Value {
    match key {
        "name" => text("Its name in tables and results."),
        "from" => table("Where it begins; at the launch where it is left out.", keys::EDGE, edge),
        "until" => table("Where it ends; with the run where it is left out.", keys::EDGE, edge),
        "budget" => table("Absolute limits.", keys::PHASE_MEASURES, budget),
        "regression" => table("How far above the baseline it may go.", keys::PHASE_MEASURES, tolerance),
        _ => json!({}),
    }
}

fn edge(key: &str) -> Value {
    match key {
        "log" => text("The first line that matches this regular expression."),
        "at" => time("So long after launch."),
        _ => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Bytes, Percent, Rate, parse_duration};
    use proptest::prelude::*;
    use regex::Regex;

    /// Every table of the schema, with the names of its keys.
    fn tables(schema: &Value, found: &mut Vec<(String, Value)>) {
        match schema {
            Value::Object(object) => {
                if let Some(Value::Object(properties)) = object.get("properties") {
                    found.extend(properties.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
                object.values().for_each(|value| tables(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| tables(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_key_that_there_is_is_told_with_what_it_is() {
        let mut found = Vec::new();
        tables(&schema(), &mut found);
        for (key, value) in &found {
            assert!(value["description"].is_string(), "`{key}` is not told: {value}");
            assert!(!value["type"].is_null() || !value["anyOf"].is_null(), "`{key}` has no type: {value}");
        }
        let all = [keys::TOP, keys::BASELINE, keys::WORKLOAD, keys::READY, keys::STOP, keys::LOG, keys::MEASURES];
        for key in all.concat().iter().chain(keys::PHASE).chain(keys::EDGE).chain(keys::TOLERANCE) {
            assert!(found.iter().any(|(name, _)| name == key), "the schema has no `{key}`");
        }
    }

    fn matches(schema: &Value, text: &str) -> bool {
        Regex::new(schema["pattern"].as_str().unwrap()).unwrap().is_match(text)
    }

    proptest! {
        #[test]
        fn what_a_pattern_lets_pass_is_what_is_read(
            text in r" ?[0-9]{1,5}(\.[0-9]{0,2})? ?(k|M|G|K|m|µ|)(B|iB|s|in|h|d|%|)( ?/ ?(s|m|min|h|d|w)|) ?"
        ) {
            prop_assert_eq!(matches(&size(""), &text), text.parse::<Bytes>().is_ok(), "{}", text);
            prop_assert_eq!(matches(&rate(""), &text), text.parse::<Rate>().is_ok(), "{}", text);
            // More than a year is refused by its size.
            prop_assert!(matches(&time(""), &text) || parse_duration(&text).is_err(), "{}", text);
            let percent = &tolerance("peak")["anyOf"][0]["anyOf"][1];
            prop_assert_eq!(matches(percent, &text), text.parse::<Percent>().is_ok(), "{}", text);
        }
    }
}

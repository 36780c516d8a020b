//! What `doctor` answers.

use anstyle::{AnsiColor, Style};
use serde_json::json;

use crate::failure::Exit;
use crate::output::Answer;
use crate::plain::plain;

use super::finding::{Finding, Verdict};

/// The answer: every finding for programs; for people those that say something, and how many things are as they should be.
pub(super) fn report(stack: &str, findings: &[Finding], all: bool) -> Answer {
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let (faults, warnings) = (count(Verdict::Fault), count(Verdict::Warning));
    let not_checked = count(Verdict::NotChecked);
    let json = json!({
        "stack": stack,
        "faults": faults,
        "warnings": warnings,
        "not_checked": not_checked,
        "ok": count(Verdict::Ok),
        "findings": findings,
    });
    let end = match (faults, warnings) {
        (0, 0) => "is as it should be".to_owned(),
        (0, warnings) => format!("works; {} to look at", number(warnings, "thing")),
        (faults, 0) => format!("has {}", number(faults, "fault")),
        (faults, warnings) => {
            format!("has {}, and {} to look at", number(faults, "fault"), number(warnings, "thing"))
        }
    };
    let unseen = match not_checked {
        0 => String::new(),
        1 => "; 1 thing was not checked".to_owned(),
        several => format!("; {several} things were not checked"),
    };
    let text = format!("{}{stack} {end}{unseen}.\n", by_area(findings, all));
    Answer { json, text: Some(text), exit: if faults == 0 { Exit::Done } else { Exit::Fault } }
}

fn number(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

fn by_area(findings: &[Finding], all: bool) -> String {
    let mut areas: Vec<&str> = Vec::new();
    for finding in findings {
        if !areas.contains(&finding.area) {
            areas.push(finding.area);
        }
    }
    let mut text = String::new();
    for area in areas {
        let of_area = || findings.iter().filter(|finding| finding.area == area);
        let (good, told): (Vec<_>, Vec<_>) = of_area().partition(|finding| finding.verdict == Verdict::Ok && !all);
        match good.as_slice() {
            [] => {}
            [one] => text += &line(one),
            several => text += &headed(Verdict::Ok, area, &format!("{} as they should be", several.len())),
        }
        text.extend(told.into_iter().map(line));
    }
    text
}

fn line(finding: &Finding) -> String {
    let told = format!("{}: {}", plain(&finding.subject), plain(&finding.why));
    let mend = finding.mend.as_deref().map(|mend| format!("{:14}{:10}mend: {}\n", "", "", plain(mend)));
    headed(finding.verdict, finding.area, &told) + &mend.unwrap_or_default()
}

fn headed(verdict: Verdict, area: &str, told: &str) -> String {
    let style = style(verdict);
    format!("{style}{:11}{style:#}   {area:10}{told}\n", verdict.as_str())
}

const fn style(verdict: Verdict) -> Style {
    let colour = match verdict {
        Verdict::Ok => AnsiColor::Green,
        Verdict::NotChecked => AnsiColor::Cyan,
        Verdict::Warning => AnsiColor::Yellow,
        Verdict::Fault => AnsiColor::Red,
    };
    Style::new().fg_color(Some(anstyle::Color::Ansi(colour)))
}

#[cfg(test)]
mod tests {
    use super::super::finding::About;
    use super::*;

    fn bare(answer: &Answer) -> String {
        anstream::adapter::strip_str(answer.text.as_deref().unwrap()).to_string()
    }

    #[test]
    fn a_report_says_what_is_wrong_and_counts_what_is_not() {
        let table = |name: &str| About::new("table", name);
        let findings = [
            table("a").ok("fine"),
            table("b").ok("fine"),
            table("c\u{1b}[2J").fault("it has no index `due`", "make it"),
            About::new("queue", "q").ok("empty"),
        ];
        let answer = report("drover", &findings, false);
        assert_eq!(
            bare(&answer),
            "ok            table     2 as they should be\n\
             fault         table     c [2J: it has no index `due`\n                        mend: make it\n\
             ok            queue     q: empty\n\
             drover has 1 fault.\n"
        );
        assert_eq!((answer.exit, &answer.json["faults"], &answer.json["ok"]), (Exit::Fault, &json!(1), &json!(3)));
        assert_eq!(answer.json["findings"][2]["verdict"], "fault");
        assert!(bare(&report("drover", &findings, true)).contains("table     a: fine\n"));
    }

    #[test]
    fn only_a_fault_is_a_failure() {
        let about = About::new("api", "x");
        for (finding, exit, end) in [
            (about.ok("fine"), Exit::Done, "drover is as it should be.\n"),
            (about.not_checked("unknown here"), Exit::Done, "drover is as it should be; 1 thing was not checked.\n"),
            (about.warning("slow", "wait"), Exit::Done, "drover works; 1 thing to look at.\n"),
            (about.fault("gone", "make it"), Exit::Fault, "drover has 1 fault.\n"),
        ] {
            let answer = report("drover", &[finding], false);
            assert_eq!(answer.exit, exit);
            assert!(bare(&answer).ends_with(end), "{}", bare(&answer));
        }
    }
}

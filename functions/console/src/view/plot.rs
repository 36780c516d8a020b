//! Plots over time, drawn here, as SVG: lines that differ by their dashes too, and their numbers as a table for who does not see them, or wants them. The
//! drawing is stretched to whatever place there is; its scales stand beside it as text, which is not.

use maud::{Markup, html};
use table::Millis;

use crate::view::table::table;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 160.0;
/// How many lines can be told apart.
const MOST_LINES: usize = 4;
/// How many times are written below.
const TIMES: usize = 5;
/// Which parts of its height are named beside it, from below.
const PARTS: [f64; 3] = [0.0, 0.5, 1.0];

/// How the times of a plot are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// As times of day.
    Minutes,
    /// As dates.
    Days,
}

/// What one line is of.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) values: Vec<f64>,
}

/// A plot: what it is of, when each value was, and the lines.
pub(crate) struct Plot<'text> {
    /// Tells it from others of its page.
    pub(crate) id: &'text str,
    pub(crate) title: &'text str,
    /// How its times are written.
    pub(crate) scale: Scale,
    /// When the values were: as many as each line has.
    pub(crate) times: Vec<Millis>,
    pub(crate) series: Vec<Series>,
}

impl Plot<'_> {
    pub(crate) fn shown(&self) -> Markup {
        let (title, told) = (format!("{}-title", self.id), format!("{}-told", self.id));
        let most = self.values().fold(0.0, f64::max);
        let top = rounded_up(most);
        html! {
            figure.plot {
                figcaption { (self.title) }
                @if self.times.len() < 2 {
                    p.empty { "Nothing yet." }
                } @else {
                    div.chart {
                        div.upwards aria-hidden="true" { @for part in PARTS.iter().rev() { span { (number(top * part)) } } }
                        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" role="img" aria-labelledby=(format!("{title} {told}")) {
                            title id=(title) { (self.title) }
                            desc id=(told) { (self.told()) }
                            @for part in PARTS {
                                line.grid x1="0" x2=(WIDTH) y1=(place(part, 1.0)) y2=(place(part, 1.0)) {}
                            }
                            @for (index, series) in self.series.iter().take(MOST_LINES).enumerate() {
                                polyline class=(format!("line line-{index}")) points=(self.points(series, top)) {}
                            }
                        }
                        div.along aria-hidden="true" { @for at in self.marks() { span { (self.scale.write(at)) } } }
                    }
                    (self.legend())
                    details { summary { "The numbers" } (self.numbers()) }
                }
            }
        }
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        self.series.iter().flat_map(|series| series.values.iter().copied())
    }

    /// What a line does, in words.
    fn told(&self) -> String {
        let line = |series: &Series| {
            let last = series.values.last().copied().unwrap_or_default();
            let most = series.values.iter().copied().fold(0.0, f64::max);
            format!("{}: {} at the end, {} at most", series.name, number(last), number(most))
        };
        self.series.iter().map(line).collect::<Vec<_>>().join("; ")
    }

    fn across(&self, index: usize) -> f64 {
        let last = self.times.len().saturating_sub(1).max(1);
        WIDTH * ratio(index, last)
    }

    /// Times at equal distances, the first and the last among them.
    fn marks(&self) -> Vec<Millis> {
        let last = self.times.len().saturating_sub(1);
        let mut marks: Vec<_> = (0..TIMES).map(|mark| mark * last / (TIMES - 1)).collect();
        marks.dedup();
        marks.into_iter().filter_map(|index| self.times.get(index).copied()).collect()
    }

    fn points(&self, series: &Series, top: f64) -> String {
        let point = |(index, value): (usize, &f64)| format!("{:.1},{:.1}", self.across(index), place(*value, top));
        series.values.iter().take(self.times.len()).enumerate().map(point).collect::<Vec<_>>().join(" ")
    }

    fn legend(&self) -> Markup {
        html! {
            ul.legend {
                @for (index, series) in self.series.iter().take(MOST_LINES).enumerate() {
                    li {
                        svg.swatch viewBox="0 0 28 8" aria-hidden="true" {
                            line class=(format!("line line-{index}")) x1="0" x2="28" y1="4" y2="4" {}
                        }
                        (series.name)
                    }
                }
            }
        }
    }

    fn numbers(&self) -> Markup {
        let columns: Vec<_> =
            std::iter::once(self.scale.column()).chain(self.series.iter().map(|series| series.name)).collect();
        let row = |(index, at): (usize, &Millis)| {
            let values = self.series.iter().map(|series| series.values.get(index).copied().unwrap_or_default());
            std::iter::once(html! { (self.scale.write(*at)) })
                .chain(values.map(|value| html! { (number(value)) }))
                .collect()
        };
        // The newest first.
        let rows: Vec<Vec<Markup>> = self.times.iter().enumerate().rev().map(row).collect();
        table(self.title, &columns, &rows, "Nothing yet.")
    }
}

/// How far down a value is drawn.
fn place(value: f64, top: f64) -> f64 {
    let part = if top > 0.0 { (value / top).clamp(0.0, 1.0) } else { 0.0 };
    HEIGHT * (1.0 - part)
}

fn ratio(part: usize, whole: usize) -> f64 {
    let of = |number: usize| u32::try_from(number).map_or(f64::from(u32::MAX), f64::from);
    of(part) / of(whole)
}

/// The end of a scale: the least of 1, 2, 5, 10 … that nothing is above.
fn rounded_up(most: f64) -> f64 {
    let mut step = 1.0;
    while step < 1e15 {
        for times in [1.0, 2.0, 5.0] {
            if most <= step * times {
                return step * times;
            }
        }
        step *= 10.0;
    }
    step
}

/// A number as one reads it: whole, or with one digit more where that matters.
pub(crate) fn number(value: f64) -> String {
    if value.fract().abs() < 0.05 || value >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

impl Scale {
    const fn column(self) -> &'static str {
        match self {
            Self::Minutes => "Time (UTC)",
            Self::Days => "Day (UTC)",
        }
    }

    fn write(self, at: Millis) -> String {
        let text = at.to_string();
        match self {
            Self::Minutes => text.chars().skip("2024-01-15T".len()).take("10:30".len()).collect(),
            Self::Days => text.chars().skip("2024-".len()).take("01-15".len()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_ends_where_nothing_is_above() {
        for (most, top) in [(0.0, 1.0), (1.0, 1.0), (1.5, 2.0), (4.0, 5.0), (51.0, 100.0), (999.0, 1_000.0)] {
            assert!((rounded_up(most) - top).abs() < f64::EPSILON, "{most}: {}", rounded_up(most));
        }
        assert_eq!((number(0.0), number(2.5), number(1_234.5)), ("0".to_owned(), "2.5".to_owned(), "1234".to_owned()));
    }

    #[test]
    fn a_plot_tells_its_numbers_too() {
        let plot = Plot {
            id: "claims",
            title: "Claims a minute",
            scale: Scale::Minutes,
            times: (0..3).map(|minute| Millis(1_705_314_600_000 + minute * 60_000)).collect(),
            series: vec![Series { name: "Claimed", values: vec![0.0, 10.0, 5.0] }],
        };
        let page = plot.shown().into_string();
        for part in [
            "aria-labelledby=\"claims-title claims-told\"",
            "Claimed: 5 at the end, 10 at most",
            "points=\"0.0,160.0 320.0,0.0 640.0,80.0\"",
            "<span>10</span><span>5</span><span>0</span>",
            "<span>10:30</span><span>10:31</span><span>10:32</span>",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(!page.contains("style="), "{page}");
        let empty = Plot { id: "none", title: "None", scale: Scale::Days, times: Vec::new(), series: Vec::new() };
        assert!(empty.shown().into_string().contains("Nothing yet."));
    }
}

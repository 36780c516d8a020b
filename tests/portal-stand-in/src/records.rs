//! The portals' records: the same for the same portal, account and number, on each run.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// One of the portals.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Portal {
    /// Plastic waste: forms with a view state.
    Pwmr,
    /// Battery waste: JSON.
    Bwmr,
    /// E-waste: tabs.
    Ewmr,
}

/// A record: what is so, and what the portal's table shows of it.
#[derive(Clone, Debug)]
pub struct Record {
    /// What is so: whole numbers, numbers, texts, dates as `2026-11-22`; null where there is nothing.
    pub truth: Map<String, Value>,
    /// The cells of the portal's table, as text.
    pub(crate) shown: Vec<String>,
}

impl Portal {
    /// The name of its folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pwmr => "pwmr",
            Self::Bwmr => "bwmr",
            Self::Ewmr => "ewmr",
        }
    }

    /// The headers of its table.
    pub(crate) const fn headers(self) -> &'static [&'static str] {
        match self {
            Self::Pwmr => &[
                "S.No.",
                "Registration No.",
                "Invoice No.",
                "Recycler",
                "State",
                "Plastic Category",
                "Quantity (TPA)",
                "Invoice Value (Rs.)",
                "Invoice Date",
                "Remarks",
                "Action",
            ],
            Self::Bwmr => &[
                "#",
                "Transaction ID",
                "Producer",
                "Recycler",
                "Battery Type",
                "Credits (kg)",
                "Units",
                "Transferred On",
                "Certificate",
            ],
            Self::Ewmr => &[
                "Registration Number",
                "Name of Entity",
                "District",
                "Capacity (MT/annum)",
                "Employees",
                "Valid Upto",
                "Details",
            ],
        }
    }

    /// The record of this number, from 0, within a listing.
    pub(crate) fn record(self, account: &str, listing: &str, number: u64) -> Record {
        let seed = [self.name(), account, listing].join("/");
        let mut random = fastrand::Rng::with_seed(fnv(seed.as_bytes()) ^ number);
        match self {
            Self::Pwmr => procurement(&mut random, number),
            Self::Bwmr => transaction(&mut random, number),
            Self::Ewmr => entity(&mut random, listing, number),
        }
    }
}

fn procurement(random: &mut fastrand::Rng, number: u64) -> Record {
    let registration = format!("PWR-{:05}/2026", random.u32(0..100_000));
    let invoice = format!("INV/{}/{number:06}", 2020 + number % 7);
    let recycler = pick(
        random,
        &[
            "Ganga & Söhne Recycling",
            "श्री राम Polymers",
            "A <b>Plastics</b> \"Pvt\" Ltd",
            "Ünal Geri-Dönüşüm",
            "M/s O'Neil  Bros",
        ],
    );
    let state = pick(random, &["Gujarat", "Tamil Nadu", "Uttar Pradesh", "Jammu & Kashmir"]);
    let category = pick(random, &["Category I (rigid)", "Category II (flexible)", "Category III (multilayer)"]);
    let hundredths = random.u64(1..90_000_000);
    let rupees = random.u64(0..5_000_000_000);
    let (day, remark) = (day(random), random.u8(0..4) == 0);
    let remark = remark.then_some("Verified;\n see note");
    let truth = json!({
        "registration_no": registration, "invoice_no": invoice, "recycler": words(recycler), "state": state, "category": category,
        "quantity_tpa": hundredths_of(hundredths), "invoice_value_rs": rupees, "invoice_date": day.to_string(), "remarks": remark.map(words),
    });
    let shown = vec![
        (number + 1).to_string(),
        registration,
        invoice,
        recycler.to_owned(),
        state.to_owned(),
        category.to_owned(),
        format!("{}.{:02}", indian(hundredths / 100), hundredths % 100),
        indian(rupees),
        day.strftime("%d-%m-%Y").to_string(),
        remark.unwrap_or("\u{a0}").to_owned(),
        "View".to_owned(),
    ];
    record(truth, shown)
}

fn transaction(random: &mut fastrand::Rng, number: u64) -> Record {
    let id = format!("TXN{number:08}{:04x}", random.u16(..));
    let producer = pick(random, &["Volt \u{1f50b} Energy", "Amar & Co", "परम Batteries", "</script><b>Cells"]);
    let recycler = pick(random, &["Lead  Works", "Green\u{a0}Loop", "Re-Li Ltd"]);
    let kind = pick(random, &["Lead acid", "Lithium-ion", "NiMH", "Zinc"]);
    let hundredths = random.u64(1..50_000_000);
    let units = random.u64(0..1_000_000);
    let day = day(random);
    let certificate = (random.u8(0..3) > 0).then(|| format!("CERT-{:06}", random.u32(0..1_000_000)));
    let truth = json!({
        "transaction_id": id, "producer": words(producer), "recycler": words(recycler), "battery_type": kind, "credits_kg": hundredths_of(hundredths),
        "units": units, "transferred_on": day.to_string(), "certificate": certificate,
    });
    let shown = vec![
        (number + 1).to_string(),
        id,
        producer.to_owned(),
        recycler.to_owned(),
        kind.to_owned(),
        format!("{}.{:02}", hundredths / 100, hundredths % 100),
        units.to_string(),
        day.strftime("%d %b %Y").to_string(),
        certificate.unwrap_or_default(),
    ];
    record(truth, shown)
}

fn entity(random: &mut fastrand::Rng, listing: &str, number: u64) -> Record {
    let registration = format!("EW/{}/{number:05}", &listing[..3].to_uppercase());
    let name = pick(
        random,
        &["Société d’Électronique", "Müller & Fils", "R–Cycle <India>", "Año Nuevo Metals", "Plain Traders"],
    );
    let district = pick(random, &["Pune", "Hyderabad", "Kanpur Nagar", "N. & M. Andaman"]);
    let hundredths = (random.u8(0..5) > 0).then(|| random.u64(1..10_000_000));
    let employees = random.u64(1..30_000);
    let day = day(random);
    let truth = json!({
        "kind": listing, "registration_no": registration, "entity": words(name), "district": district,
        "capacity_mt": hundredths.map(hundredths_of), "employees": employees, "valid_until": day.to_string(),
    });
    let shown = vec![
        registration,
        name.to_owned(),
        district.to_owned(),
        hundredths
            .map(|hundredths| format!("{}.{:02}", indian(hundredths / 100), hundredths % 100))
            .unwrap_or_default(),
        indian(employees),
        day.strftime("%d/%m/%Y").to_string(),
        "Details".to_owned(),
    ];
    record(truth, shown)
}

fn record(truth: Value, shown: Vec<String>) -> Record {
    let truth = match truth {
        Value::Object(truth) => truth,
        _ => Map::new(),
    };
    Record { truth, shown }
}

fn pick<'a>(random: &mut fastrand::Rng, choices: &[&'a str]) -> &'a str {
    choices[random.usize(..choices.len())]
}

fn day(random: &mut fastrand::Rng) -> Date {
    date(2019, 1, 1).saturating_add(random.i32(0..2_900).days())
}

/// A text with one space for each run of white space.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A number of two places; a whole one has none.
fn hundredths_of(hundredths: u64) -> Value {
    if hundredths.is_multiple_of(100) {
        return (hundredths / 100).into();
    }
    format!("{}.{:02}", hundredths / 100, hundredths % 100).parse::<f64>().map_or(Value::Null, Value::from)
}

/// A number with commas as in India: `12,34,567`.
pub(crate) fn indian(number: u64) -> String {
    let digits = number.to_string();
    let (before, last) = digits.split_at(digits.len().saturating_sub(3));
    let mut groups: Vec<String> =
        before.as_bytes().rchunks(2).rev().map(|pair| String::from_utf8_lossy(pair).into_owned()).collect();
    groups.push(last.to_owned());
    groups.join(",")
}

/// A number made of a text (FNV-1a): the same in each release.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_the_same_on_each_run_and_differ_by_their_number() {
        for portal in [Portal::Pwmr, Portal::Bwmr, Portal::Ewmr] {
            let shown = |number| portal.record("a", "Listing", number).shown;
            assert_eq!(shown(7), shown(7));
            assert_ne!(shown(7), shown(8));
            assert_ne!(shown(7), portal.record("b", "Listing", 7).shown);
            assert_eq!(shown(7).len(), portal.headers().len());
        }
    }

    #[test]
    fn numbers_have_commas_as_in_india() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (99_999, "99,999"),
            (123_456, "1,23,456"),
            (1_234_567, "12,34,567"),
        ] {
            assert_eq!(indian(number), expected);
        }
    }
}

//! What a browser's processes have used, as the kernel counts it.

use std::fs;
use std::time::Duration;

/// The kernel's clock tick, in milliseconds: 100 a second on every Linux.
const TICK: u64 = 10;

/// The processes of the group that one leads, those that have ended and were waited for counted with their parents.
pub struct Group(pub u32);

impl Group {
    /// Their processor time so far.
    pub fn processor_time(&self) -> Duration {
        let of = |fields: &[String]| fields[11..15].iter().filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
        Duration::from_millis(self.stats().iter().map(|(_, fields)| of(fields)).sum::<u64>() * TICK)
    }

    /// Their memory now, in MB: what they share is counted once.
    pub fn memory(&self) -> u64 {
        let of = |number: u32| -> Option<u64> {
            let rollup = fs::read_to_string(format!("/proc/{number}/smaps_rollup")).ok()?;
            let line = rollup.lines().find(|line| line.starts_with("Pss:"))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        self.stats().iter().filter_map(|(number, _)| of(*number)).sum::<u64>() / 1_000
    }

    /// The numbers of the processes, and what their `stat` says after their names.
    fn stats(&self) -> Vec<(u32, Vec<String>)> {
        let group = self.0.to_string();
        let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let stats = numbers.filter_map(|number| {
            let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
            let fields: Vec<_> = stat.rsplit_once(") ")?.1.split(' ').map(str::to_owned).collect();
            (fields[2] == group).then_some((number, fields))
        });
        stats.collect()
    }
}

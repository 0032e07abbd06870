//! How much memory a process has.

use std::fs;
use std::io;

/// What of the process's memory is resident, in bytes.
///
/// Of all that the system tells, this is the one that is counted when it is asked for: the numbers in `status` may be off by
/// hundreds of KiB, which is more than what is looked for here.
pub(crate) fn resident() -> io::Result<u64> {
    let all = fs::read_to_string("/proc/self/smaps_rollup")?;
    let rss = all.lines().find_map(|line| line.strip_prefix("Rss:")).and_then(|rest| rest.split_whitespace().next());
    let kib: u64 = rss.and_then(|number| number.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok(kib << 10)
}

/// The most that was resident, as the system counted it, where it does.
pub(crate) fn peak() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_to_is_resident() {
        const LEN: usize = 64 << 20;
        let before = resident().unwrap();
        let memory = vec![1_u8; LEN];
        // Other tests take and give memory at the same time, but not so much.
        assert!(resident().unwrap() > before + LEN as u64 / 2, "{} bytes more", memory.len());
    }
}

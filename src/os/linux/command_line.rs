//! What a process is called. Kernel interface: proc_pid_cmdline(5), proc_pid_comm(5).

/// A command line of a megabyte helps nobody.
const COMMAND_LENGTH: usize = 512;

/// The command line for people; the program's short name in brackets where there is none.
pub(super) fn read_command(pid: u32) -> String {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<_> = line.split(|&byte| byte == 0).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        return if name.is_empty() { String::new() } else { format!("[{}]", name.trim_end()) };
    }
    let mut text = String::from_utf8_lossy(&words.join(&b' ')).into_owned();
    if let Some((cut, _)) = text.char_indices().nth(COMMAND_LENGTH) {
        text.truncate(cut);
        text.push('…');
    }
    text
}

//! The console that memguard's own streams are on. Functions: `GetConsoleMode`, `SetConsoleMode`, `GetConsoleScreenBufferInfo`.

use std::io;
use std::os::windows::io::{AsRawHandle, RawHandle};

use windows_sys::Win32::System::Console::{
    CONSOLE_MODE, CONSOLE_SCREEN_BUFFER_INFO, ENABLE_ECHO_INPUT, ENABLE_LINE_INPUT, ENABLE_VIRTUAL_TERMINAL_PROCESSING,
    GetConsoleMode, GetConsoleScreenBufferInfo, SetConsoleMode,
};

/// How a console treats what is typed or printed. None where the stream is on none.
fn mode(stream: RawHandle) -> Option<CONSOLE_MODE> {
    let mut mode = 0;
    #[expect(unsafe_code, reason = "the console's mode has no safe wrapper among the crates in use")]
    // SAFETY: the handle is one of the standard streams, which stay open; the mode lives as long as the call.
    let is_console = unsafe { GetConsoleMode(stream, &raw mut mode) } != 0;
    is_console.then_some(mode)
}

fn outputs() -> [RawHandle; 2] {
    [io::stderr().as_raw_handle(), io::stdout().as_raw_handle()]
}

/// Whether control sequences do what they say on the terminals that standard error and output are on. Consoles since Windows 10
/// learn it when they are asked to; older ones show them as they are.
#[must_use]
pub fn speaks_sequences() -> bool {
    outputs().into_iter().all(|stream| {
        let Some(mode) = mode(stream) else { return true };
        #[expect(unsafe_code, reason = "the console's mode has no safe wrapper among the crates in use")]
        // SAFETY: as in `mode`.
        let learns = || unsafe { SetConsoleMode(stream, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING) } != 0;
        mode & ENABLE_VIRTUAL_TERMINAL_PROCESSING != 0 || learns()
    })
}

/// Columns of the terminal that standard error or output is on.
#[must_use]
pub fn terminal_width() -> Option<usize> {
    outputs().into_iter().find_map(|stream| {
        let mut info = CONSOLE_SCREEN_BUFFER_INFO::default();
        #[expect(unsafe_code, reason = "the console's size has no safe wrapper among the crates in use")]
        // SAFETY: the handle is one of the standard streams, which stay open; what is told lives as long as the call.
        let is_console = unsafe { GetConsoleScreenBufferInfo(stream, &raw mut info) } != 0;
        let window = info.srWindow;
        let columns = usize::try_from(i32::from(window.Right) - i32::from(window.Left) + 1).ok()?;
        (is_console && columns > 0).then_some(columns)
    })
}

/// Whether memguard may draw on the terminal that standard error is on: not where keys are read as they are typed or not shown, as
/// when a password is asked for, or the whole screen is in use.
#[must_use]
pub fn may_draw(_leader: u32) -> bool {
    const AS_USUAL: CONSOLE_MODE = ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT;
    mode(io::stdin().as_raw_handle()).is_none_or(|mode| mode & AS_USUAL == AS_USUAL) && speaks_sequences()
}

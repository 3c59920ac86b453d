//! The command line: parses, calls the library, prints what went wrong, exits.

fn main() {
    let _ = memguard::units::Bytes::ZERO;
}

//! `cargo test --test cli`: runs the built `wasmrun` and looks at what a user sees: stdout, stderr, exit status.
//!
//! Guests are written here as text, or put together byte by byte where text would be megabytes long.

#[path = "cli/binary.rs"]
mod binary;
#[path = "cli/endings.rs"]
mod endings;
#[path = "cli/files.rs"]
mod files;
#[path = "cli/guests.rs"]
mod guests;
#[path = "cli/hostile.rs"]
mod hostile;
#[path = "cli/invoke.rs"]
mod invoke;
#[path = "cli/listing.rs"]
mod listing;
#[path = "cli/messages.rs"]
mod messages;
#[path = "cli/programs.rs"]
mod programs;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/seeing.rs"]
mod seeing;
#[path = "cli/settings.rs"]
mod settings;
#[path = "cli/sockets.rs"]
mod sockets;
#[path = "cli/streams.rs"]
mod streams;
#[path = "cli/suite.rs"]
mod suite;
#[path = "cli/terminal.rs"]
mod terminal;
#[path = "cli/threads.rs"]
mod threads;
#[path = "cli/world.rs"]
mod world;

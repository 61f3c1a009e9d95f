//! What can be typed about files: which ones the program is given, and what they may grow to.

use clap::Args;

use crate::cli::units::{self, Granted};

#[derive(Debug, Args)]
pub struct FilesArgs {
    /// Give the program a directory, under its own name or another
    ///
    /// HOST::GUEST shows the directory HOST as GUEST. HOST alone keeps the text as the name. With ::ro at the end, nothing
    /// in it can be changed. Nothing outside the directories given can be reached, not even through symbolic links.
    #[arg(long, value_name = "HOST[::GUEST][::ro]", value_parser = units::granted())]
    pub dir: Vec<Granted>,

    /// Give the program a single file, under its own name or another
    ///
    /// As --dir. The program finds it in a directory that has nothing else in it but other files given so.
    #[arg(long, value_name = "HOST[::GUEST][::ro]", value_parser = units::granted(), hide_short_help = true)]
    pub file: Vec<Granted>,

    /// Give the program an empty directory /tmp of its own, in memory [SIZE: 64M]
    ///
    /// At most SIZE bytes, as with --max-memory; each name counts 256 bytes. It is gone when the program ends.
    #[arg(
        long,
        value_name = "SIZE",
        value_parser = units::size,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "64M",
        hide_short_help = true
    )]
    pub tmp: Option<u64>,

    /// Bytes a file may grow to: 4096, 64K, 1G [default: no limit]
    ///
    /// Bytes as with --max-memory. Beyond it the program gets the error FBIG.
    #[arg(long, value_name = "SIZE", value_parser = units::size, hide_short_help = true)]
    pub max_file_size: Option<u64>,

    /// Bytes all files together may grow by [default: no limit]
    ///
    /// Bytes as with --max-memory. Growth counts, in --dir and in --tmp: bytes beyond a file's end, and 256 for each name
    /// made. Cutting and removing files give nothing back. Beyond it the program gets the error DQUOT.
    #[arg(long, value_name = "SIZE", value_parser = units::size, hide_short_help = true)]
    pub max_disk: Option<u64>,

    /// Descriptors the program may have open [default: 1024]
    ///
    /// Those it begins with count, which are its standard streams and what it was given. Beyond it the program gets the
    /// error MFILE.
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub max_open_files: Option<u32>,
}

impl FilesArgs {
    /// The directories that the program is given, by its names for them.
    pub fn directories(&self) -> Vec<&str> {
        let dirs = self.dir.iter().map(|dir| dir.guest.as_str());
        let files = self.file.iter().map(|file| match file.guest.rsplit_once('/') {
            Some(("", _)) => "/",
            Some((above, _)) => above,
            None => ".",
        });
        dirs.chain(files).chain(self.tmp.map(|_| "/tmp")).collect()
    }
}

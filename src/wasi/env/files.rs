//! What a program is given of files, and what they may grow to.

use std::fmt;
use std::path::Path;

use super::WasiEnvBuilder;
use crate::engine::Error;
use crate::wasi::ctx::WasiCtx;
use crate::wasi::descriptor::Descriptor;
use crate::wasi::fs::granted::{GrantedFile, GrantedFiles};
use crate::wasi::fs::{Directory, MemFs};
use crate::wasi::sandbox::Dir;

impl WasiEnvBuilder {
    /// Grants a directory of the host's, with everything in it, under the name `guest`.
    ///
    /// # Errors
    /// [`Error::Host`] if it cannot be opened.
    pub fn dir(self, host: impl AsRef<Path>, guest: impl Into<String>) -> Result<Self, Error> {
        self.env.with(|ctx| grant(ctx, host.as_ref(), guest.into(), false))?;
        Ok(self)
    }

    /// Grants a directory of the host's for looking at only: whatever would change something in it fails with `rofs`.
    ///
    /// # Errors
    /// [`Error::Host`] if it cannot be opened.
    pub fn dir_read_only(self, host: impl AsRef<Path>, guest: impl Into<String>) -> Result<Self, Error> {
        self.env.with(|ctx| grant(ctx, host.as_ref(), guest.into(), true))?;
        Ok(self)
    }

    /// Grants a single file of the host's under the name `guest`, a path such as `/etc/app.conf`.
    ///
    /// The program finds it in a directory that has nothing else in it but other files granted so, and in which nothing
    /// can be made, moved or removed. Replacing the file by another one of the same name is seen by the program.
    ///
    /// # Errors
    /// [`Error::Host`] if it cannot be reached, or is no file, or if `guest` names no file.
    pub fn file(self, host: impl AsRef<Path>, guest: impl AsRef<str>) -> Result<Self, Error> {
        self.grant_file(host.as_ref(), guest.as_ref(), false)
    }

    /// Grants a single file of the host's for looking at only. Else as [`WasiEnvBuilder::file`].
    ///
    /// # Errors
    /// As [`WasiEnvBuilder::file`].
    pub fn file_read_only(self, host: impl AsRef<Path>, guest: impl AsRef<str>) -> Result<Self, Error> {
        self.grant_file(host.as_ref(), guest.as_ref(), true)
    }

    fn grant_file(mut self, host: &Path, guest: &str, read_only: bool) -> Result<Self, Error> {
        let failed = |why: &dyn fmt::Display| {
            Error::host(format!(
                "cannot grant the file `{}` as `{}`: {why}",
                host.display().to_string().escape_debug(),
                guest.escape_debug()
            ))
        };
        let (above, name) = match guest.rsplit_once('/') {
            Some(("", name)) => ("/", name),
            Some((above, name)) => (above, name),
            None => (".", guest),
        };
        if matches!(name, "" | "." | "..") {
            return Err(failed(&"the guest's name for it names no file"));
        }
        // Where it really is: that directory is held, and the file looked up in it.
        let found = host.canonicalize().map_err(|err| failed(&err))?;
        if found.is_dir() {
            return Err(failed(&"it is a directory"));
        }
        let (Some(dir), Some(name_there)) = (found.parent(), found.file_name()) else {
            return Err(failed(&"it is no file"));
        };
        let Some(name_there) = name_there.to_str() else {
            return Err(failed(&"its name is not UTF-8"));
        };
        let file = GrantedFile {
            name: name.to_owned(),
            dir: Box::new(Dir::grant(dir).map_err(|err| failed(&err))?),
            name_there: name_there.to_owned(),
            read_only,
        };
        match self.files.iter_mut().find(|(known, _)| known == above) {
            None => self.files.push((above.to_owned(), vec![file])),
            Some((_, files)) if files.iter().any(|known| known.name == name) => {
                return Err(failed(&"another file is granted under this name"));
            }
            Some((_, files)) => files.push(file),
        }
        Ok(self)
    }

    /// Grants a file system in memory under the name `guest`.
    ///
    /// See [`MemFs`] for an example.
    #[must_use]
    pub fn mount(self, files: &MemFs, guest: impl Into<String>) -> Self {
        self.change(|ctx| mount(ctx, files.directory(), guest.into(), false))
    }

    /// Grants a file system in memory for looking at only: whatever would change something in it fails with `rofs`.
    #[must_use]
    pub fn mount_read_only(self, files: &MemFs, guest: impl Into<String>) -> Self {
        self.change(|ctx| mount(ctx, files.directory(), guest.into(), true))
    }

    /// Lets no file grow beyond so many bytes (no limit unless set). The program then sees `fbig`.
    #[must_use]
    pub fn max_file_size(self, bytes: u64) -> Self {
        self.change(|ctx| ctx.quota.max_file_size = bytes)
    }

    /// Lets all files together grow by so many bytes (no limit unless set), on disks and in memory. The program then
    /// sees `dquot`.
    ///
    /// What is counted is growth: bytes beyond a file's end, and for each name made (of a file, a directory or a link)
    /// its length and 256 bytes. Cutting and removing give nothing back.
    #[must_use]
    pub fn max_disk(self, bytes: u64) -> Self {
        self.change(|ctx| ctx.quota.set_max_disk(bytes))
    }

    /// Sets how many descriptors the program may have open at once (1024 unless set), those granted included.
    #[must_use]
    pub fn max_open_files(self, count: u32) -> Self {
        self.change(|ctx| ctx.table.set_limit(count))
    }
}

pub(super) fn grant(ctx: &mut WasiCtx, host: &Path, guest: String, read_only: bool) -> Result<(), Error> {
    let failed = |why: &dyn fmt::Display| {
        Error::host(format!(
            "cannot grant the directory `{}`: {why}",
            host.display().to_string().escape_debug()
        ))
    };
    let dir = Dir::grant(host).map_err(|err| {
        if host.is_file() {
            failed(&"it is a file; grant it as one")
        } else {
            failed(&err)
        }
    })?;
    let full = |_| failed(&"too many descriptors are open");
    ctx.table
        .insert(Descriptor::preopened(Box::new(dir), guest, read_only))
        .map_err(full)?;
    Ok(())
}

fn mount(ctx: &mut WasiCtx, dir: Box<dyn Directory>, guest: String, read_only: bool) {
    if ctx.table.insert(Descriptor::preopened(dir, guest, read_only)).is_err() {
        ctx.reject(String::from(
            "more directories are granted than descriptors may be open",
        ));
    }
}

/// Makes the directories that single files are found in.
pub(super) fn mount_single_files(ctx: &mut WasiCtx, directories: Vec<(String, Vec<GrantedFile>)>) {
    for (above, files) in directories {
        if ctx.table.grants(&above) {
            ctx.reject(format!(
                "the file `{}` cannot be granted in `{above}`, which is a directory granted as a whole",
                files.first().map_or("", |file| &file.name)
            ));
        }
        mount(ctx, Box::new(GrantedFiles::new(files)), above, false);
    }
}

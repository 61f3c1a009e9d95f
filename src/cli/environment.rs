//! What the guest is given: arguments, variables, directories, and our own standard streams. Nothing else.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;

use wasmrun::{Error, MemFs, Stdin, WasiEnv, WasiEnvBuilder};

use super::args::{ExecArgs, FilesArgs};
use super::report;
use super::units::{Granted, Input, Listen, Variable};
use super::world;

/// Makes the guest's world; `words` are argv[0] and what follows, `file` is what messages call the program.
///
/// # Errors
/// A directory or file that cannot be opened or an address that cannot be listened on, named in the message.
pub fn environment(args: &ExecArgs, file: &str, words: Vec<OsString>) -> Result<WasiEnv, String> {
    let ours: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let mut env = WasiEnv::builder()
        .args(words)
        .envs(variables(args, &ours))
        .inherit_stdout()
        .inherit_stderr()
        .stdin(stdin(args)?);
    if let Some(bytes) = args.max_output {
        env = env.max_output(bytes);
    }
    if args.raw_terminal {
        env = env.raw_terminal();
    }
    if let Some(filter) = args.trace {
        env = env.trace(filter, report::print);
    }
    env = world::furnish(&args.world, file, env);
    env = grant_files(&args.files, env)?;
    for listen in &args.listen {
        env = env.listener(bind(listen)?).map_err(|error| message(&error))?;
    }
    Ok(env.build())
}

/// Grants what is said about files.
fn grant_files(files: &FilesArgs, mut env: WasiEnvBuilder) -> Result<WasiEnvBuilder, String> {
    for Granted { host, guest, read_only } in &files.dir {
        if host.is_file() {
            return Err(format!(
                "`{}` is a file: give it with --file",
                host.display().to_string().escape_debug()
            ));
        }
        let granted = if *read_only {
            env.dir_read_only(host, guest)
        } else {
            env.dir(host, guest)
        };
        env = granted.map_err(|error| message(&error))?;
    }
    for Granted { host, guest, read_only } in &files.file {
        let granted = if *read_only {
            env.file_read_only(host, guest)
        } else {
            env.file(host, guest)
        };
        env = granted.map_err(|error| message(&error))?;
    }
    if let Some(bytes) = files.tmp {
        env = env.mount(&MemFs::with_limit(bytes), "/tmp");
    }
    if let Some(bytes) = files.max_file_size {
        env = env.max_file_size(bytes);
    }
    if let Some(bytes) = files.max_disk {
        env = env.max_disk(bytes);
    }
    if let Some(count) = files.max_open_files {
        env = env.max_open_files(count);
    }
    Ok(env)
}

/// What the guest reads.
fn stdin(args: &ExecArgs) -> Result<Stdin, String> {
    match &args.stdin {
        None | Some(Input::Inherit) => Ok(Stdin::inherit()),
        Some(Input::Null) => Ok(Stdin::empty()),
        Some(Input::File(path)) => match File::open(path) {
            Ok(file) => Ok(Stdin::file(file)),
            Err(error) => Err(format!("cannot open `{}` for --stdin: {error}", path.display())),
        },
    }
}

/// What went wrong with something the guest was to be given.
pub fn message(error: &Error) -> String {
    match error {
        // The engine calls all that is not WebAssembly a host function's failure; here none was called.
        Error::Host(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// Listens on an address, and tells a port that the system chose.
fn bind(listen: &Listen) -> Result<TcpListener, String> {
    let address = &listen.address;
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(listen.nonblock)?;
        let local = listener.local_addr()?;
        Ok((listener, local))
    });
    match bound {
        Ok((listener, local)) => {
            if address.ends_with(":0") {
                super::report::note(&format!("listening on {local}"));
            }
            Ok(listener)
        }
        Err(error) => {
            let why = match error.kind() {
                ErrorKind::AddrInUse => "the address is in use; end what listens there, or choose another port".into(),
                ErrorKind::PermissionDenied => format!("{error}; ports below 1024 may need privileges"),
                _ => error.to_string(),
            };
            Err(format!("cannot listen on `{}`: {why}", address.escape_debug()))
        }
    }
}

/// argv[0]: the base name, because where the module lies is none of the guest's business.
pub fn argv0(args: &ExecArgs, file: &OsStr) -> OsString {
    match &args.argv0 {
        Some(name) => name.clone(),
        None => Path::new(file).file_name().unwrap_or(file).to_owned(),
    }
}

/// The variables for the guest, each once, in the order in which they were first named.
fn variables(args: &ExecArgs, ours: &[(OsString, OsString)]) -> Vec<(OsString, OsString)> {
    let mut variables: Vec<(OsString, OsString)> = Vec::new();
    let mut set = |key: &OsString, value: &OsString| match variables.iter_mut().find(|(known, _)| known == key) {
        Some((_, old)) => old.clone_from(value),
        None => variables.push((key.clone(), value.clone())),
    };
    if args.inherit_env {
        ours.iter().for_each(|(key, value)| set(key, value));
    }
    // After ours: what we were handed by a service manager is not what the guest gets.
    if !args.listen.is_empty() {
        set(&"LISTEN_FDS".into(), &args.listen.len().to_string().into());
    }
    for variable in &args.env {
        match variable {
            Variable::Set(key, value) => set(key, value),
            Variable::PassOn(key) => {
                if let Some((_, value)) = ours.iter().find(|(ours, _)| ours == key) {
                    set(key, value);
                }
            }
        }
    }
    variables
}

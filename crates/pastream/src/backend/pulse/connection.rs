use std::{
    ffi::CString,
    fmt,
    io::{self, IoSlice},
    mem::MaybeUninit,
    os::fd::OwnedFd,
    process,
    sync::Arc,
    time::{Duration, Instant},
};

use pulseaudio::protocol::{
    self, AuthParams, AuthReply, Command, CommandReply, CommandTag, DESCRIPTOR_SIZE, Prop, Props,
    ProtocolError, PulseError, SetClientNameReply, TagStructReader,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, UCred, recv, send,
        sendmsg, shutdown,
    },
    process::{getgid, getpid, getuid},
};

use super::address::{addresses, cookie};
use crate::{Error, ErrorKind, backend::memory::filled};

/// How long a server may take to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes that are read at once, at most.
const INBOX: usize = 1 << 18;
/// The longest message that a list of devices may be.
const MAX_MESSAGE: usize = 1 << 24;
/// Bytes of a command but for those that carry names.
const OUTBOX: usize = 1 << 10;
/// The channel of a message that is no audio.
const CONTROL: u32 = u32::MAX;

/// Why the server did not do it.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection broke.
    Gone(io::Error),
    /// It does not answer.
    Late,
    /// It does not speak as it should.
    Garbled(String),
    /// It answered that it won't.
    Refused(PulseError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone(error) => {
                let text = error.to_string();
                f.write_str(text.split(" (os error").next().unwrap_or(&text))
            }
            Self::Late => write!(f, "no answer within {} s", PATIENCE.as_secs()),
            Self::Garbled(what) => write!(f, "not understood: {what}"),
            Self::Refused(error) => write!(f, "refused: {error}"),
        }
    }
}

impl From<ProtocolError> for Failure {
    fn from(error: ProtocolError) -> Self {
        match error {
            ProtocolError::Io(error) => Self::Gone(error),
            ProtocolError::ServerError(error) => Self::Refused(error),
            error => Self::Garbled(error.to_string()),
        }
    }
}

impl From<Errno> for Failure {
    fn from(error: Errno) -> Self {
        Self::Gone(error.into())
    }
}

impl Failure {
    /// The same as an error of a host that was there.
    pub(super) fn host(&self) -> Error {
        Error::new(
            ErrorKind::HostUnavailable,
            format!("the PulseAudio server failed ({self}): see that it runs, and try again"),
        )
    }
}

/// A client's connection to the server.
pub(super) struct Connection {
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
}

/// What comes in.
pub(super) struct Inbox {
    socket: Arc<OwnedFd>,
    pub(super) version: u16,
    bytes: Vec<u8>,
    /// The part of `bytes` that is not taken yet.
    begin: usize,
    end: usize,
    /// Of the audio that began, what is still to come.
    audio: usize,
}

/// What goes out.
pub(super) struct Outbox {
    socket: Arc<OwnedFd>,
    version: u16,
    sequence: u32,
    bytes: Vec<u8>,
    /// Whether the next message says whose it is.
    introduce: bool,
}

/// What the server says.
pub(super) enum Message<'a> {
    /// A command, or an answer to one.
    Control(&'a [u8]),
    /// Captured bytes, any part of a block.
    Audio(&'a [u8]),
}

impl Connection {
    /// Connects to the server that the environment names.
    ///
    /// # Errors
    /// A sentence that says why there is none.
    pub(super) fn open() -> Result<Self, String> {
        let deadline = Instant::now() + PATIENCE;
        let mut tried = Vec::new();
        for address in addresses() {
            let begun = address.connect(deadline).map_err(Failure::Gone);
            match begun.and_then(|socket| Self::greet(socket, deadline)) {
                Ok(connection) => return Ok(connection),
                Err(Failure::Refused(PulseError::AccessDenied | PulseError::AuthKey)) => {
                    return Err(format!(
                        "the PulseAudio server at {address} does not let this user in: give its cookie in PULSE_COOKIE, or run as its user"
                    ));
                }
                Err(failure) => tried.push(format!("{address}: {failure}")),
            }
        }
        if tried.is_empty() {
            return Err(
                "PULSE_SERVER names no server that can be used here: use unix:<path> or tcp:<host>".into()
            );
        }
        Err(format!(
            "no PulseAudio server runs: start one, or name it in PULSE_SERVER (tried {})",
            tried.join(", ")
        ))
    }

    fn greet(socket: OwnedFd, deadline: Instant) -> Result<Self, Failure> {
        let socket = Arc::new(socket);
        // The oldest version until the server has told its own.
        let version = protocol::MIN_VERSION;
        let mut connection = Self {
            inbox: Inbox {
                socket: Arc::clone(&socket),
                version,
                bytes: filled(INBOX, 0),
                begin: 0,
                end: 0,
                audio: 0,
            },
            outbox: Outbox { socket, version, sequence: 0, bytes: filled(OUTBOX, 0), introduce: false },
        };
        let auth = AuthParams {
            version: protocol::MAX_VERSION,
            supports_shm: false,
            supports_memfd: false,
            cookie: cookie(),
        };
        connection.outbox.introduce = true;
        let answer: AuthReply = connection.ask_until(&Command::Auth(auth), deadline)?;
        if answer.version < protocol::MIN_VERSION {
            return Err(Failure::Garbled(format!("protocol version {} is too old", answer.version)));
        }
        let version = answer.version.min(protocol::MAX_VERSION);
        (connection.inbox.version, connection.outbox.version) = (version, version);
        let mut props = Props::new();
        props.set(Prop::ApplicationName, c"pastream");
        props.set(Prop::ApplicationProcessId, CString::new(process::id().to_string()).unwrap_or_default());
        let _: SetClientNameReply = connection.ask_until(&Command::SetClientName(props), deadline)?;
        Ok(connection)
    }

    /// Has the server do `command` and waits for what it answers. Not while a stream runs: other messages are dropped.
    pub(super) fn ask<T: CommandReply>(&mut self, command: &Command) -> Result<T, Failure> {
        self.ask_until(command, Instant::now() + PATIENCE)
    }

    fn ask_until<T: CommandReply>(&mut self, command: &Command, deadline: Instant) -> Result<T, Failure> {
        let sequence = self.outbox.send(command)?;
        loop {
            let version = self.inbox.version;
            while let Some(message) = self.inbox.next(usize::MAX)? {
                let Message::Control(bytes) = message else { continue };
                let answer = Answer::read(bytes, version)?;
                if answer.sequence == sequence {
                    return answer.reply();
                }
            }
            if !self.inbox.wait(deadline.saturating_duration_since(Instant::now()))? {
                return Err(Failure::Late);
            }
            self.inbox.fill()?;
        }
    }

    /// What ends the connection from another thread.
    pub(super) fn hanger(&self) -> Hanger {
        Hanger(Arc::clone(&self.inbox.socket))
    }
}

/// Ends a connection from another thread: whoever waits at it returns.
#[derive(Clone)]
pub(super) struct Hanger(Arc<OwnedFd>);

impl Hanger {
    pub(super) fn hang_up(&self) {
        // One that is broken already has been hung up.
        let _ = shutdown(&*self.0, Shutdown::Both);
    }
}

impl Inbox {
    /// Waits until something comes in. False when nothing did.
    ///
    /// A system call.
    pub(super) fn wait(&self, limit: Duration) -> Result<bool, Failure> {
        wait(&self.socket, PollFlags::IN, limit)
    }

    /// Takes in what there is. False when there is nothing.
    ///
    /// Realtime-safe but for a list of devices.
    pub(super) fn fill(&mut self) -> Result<bool, Failure> {
        if self.begin > 0 {
            self.bytes.copy_within(self.begin..self.end, 0);
            (self.begin, self.end) = (0, self.end - self.begin);
        }
        if self.end == self.bytes.len() {
            return Ok(false);
        }
        match recv(&*self.socket, &mut self.bytes[self.end..], RecvFlags::DONTWAIT) {
            Ok((_, 0)) => Err(Failure::Gone(io::ErrorKind::UnexpectedEof.into())),
            Ok((_, length)) => {
                self.end += length;
                Ok(true)
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the block of audio that was taken last goes on.
    pub(super) fn is_within_audio(&self) -> bool {
        self.audio > 0
    }

    /// The next message that is in whole, or the next part of audio, of `room` bytes at most.
    ///
    /// Realtime-safe but for a list of devices.
    pub(super) fn next(&mut self, room: usize) -> Result<Option<Message<'_>>, Failure> {
        if self.audio == 0 {
            let Some(mut header) = self.bytes[self.begin..self.end].get(..DESCRIPTOR_SIZE) else {
                return Ok(None);
            };
            let header = protocol::read_descriptor(&mut header)?;
            let length = header.length as usize;
            if length > MAX_MESSAGE {
                return Err(Failure::Garbled(format!("a message of {length} bytes")));
            }
            if header.channel == CONTROL {
                let whole = DESCRIPTOR_SIZE + length;
                if self.bytes.len() < whole {
                    self.bytes.resize(whole, 0);
                }
                if self.end - self.begin < whole {
                    return Ok(None);
                }
                let begin = self.begin + DESCRIPTOR_SIZE;
                self.begin += whole;
                return Ok(Some(Message::Control(&self.bytes[begin..self.begin])));
            }
            self.begin += DESCRIPTOR_SIZE;
            self.audio = length;
        }
        let there = self.audio.min(self.end - self.begin).min(room);
        if there == 0 {
            return Ok(None);
        }
        let begin = self.begin;
        self.begin += there;
        self.audio -= there;
        Ok(Some(Message::Audio(&self.bytes[begin..self.begin])))
    }
}

impl Outbox {
    /// Sends a command and answers the number that its answer will carry.
    ///
    /// Realtime-safe but for commands that carry names, and for a server that takes nothing in.
    pub(super) fn send(&mut self, command: &Command) -> Result<u32, Failure> {
        let sequence = self.sequence;
        // Names can be long.
        let encoded = protocol::encode_command_message(&mut self.bytes[..], sequence, command, self.version);
        let length = if let Ok(length) = encoded {
            length
        } else {
            self.bytes.resize(MAX_MESSAGE, 0);
            protocol::encode_command_message(&mut self.bytes[..], sequence, command, self.version)?
        };
        self.sequence = self.sequence.wrapping_add(1);
        let introduced = if std::mem::take(&mut self.introduce) {
            introduce(&self.socket, &self.bytes[..length])
        } else {
            0
        };
        write(&self.socket, &self.bytes[introduced..length])?;
        Ok(sequence)
    }

    /// Sends a message that is encoded already.
    ///
    /// Realtime-safe but for a server that takes nothing in.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        write(&self.socket, bytes)
    }
}

/// Sends the first of `bytes` along with the user's number, by which a server of the same user lets it in. Answers how many
/// went: none on a network, where there is nothing but the cookie.
fn introduce(socket: &OwnedFd, bytes: &[u8]) -> usize {
    let user = UCred { pid: getpid(), uid: getuid(), gid: getgid() };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmCredentials(user));
    sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL).unwrap_or(0)
}

fn write(socket: &OwnedFd, mut bytes: &[u8]) -> Result<(), Failure> {
    while !bytes.is_empty() {
        match send(socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(length) => bytes = &bytes[length..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                if !wait(socket, PollFlags::OUT, PATIENCE)? {
                    return Err(Failure::Late);
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn wait(socket: &OwnedFd, what: PollFlags, limit: Duration) -> Result<bool, Failure> {
    let limit = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: limit.subsec_nanos().into() };
    match poll(&mut [PollFd::new(socket, what)], Some(&limit)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A message that may be an answer.
pub(super) struct Answer<'a> {
    pub(super) sequence: u32,
    kind: CommandTag,
    body: &'a [u8],
    version: u16,
}

impl<'a> Answer<'a> {
    pub(super) fn read(message: &'a [u8], version: u16) -> Result<Self, Failure> {
        let mut body = message;
        let mut reader = TagStructReader::new(&mut body, version);
        let (kind, sequence) = (reader.read_enum()?, reader.read_u32()?);
        Ok(Self { sequence, kind, body, version })
    }

    /// Whether it is one, to anything.
    pub(super) fn is_answer(&self) -> bool {
        matches!(self.kind, CommandTag::Reply | CommandTag::Error)
    }

    /// What it says.
    pub(super) fn reply<T: CommandReply>(&self) -> Result<T, Failure> {
        let mut body = self.body;
        let mut reader = TagStructReader::new(&mut body, self.version);
        match self.kind {
            CommandTag::Reply => Ok(reader.read()?),
            CommandTag::Error => Err(Failure::Refused(reader.read_enum().unwrap_or(PulseError::Unknown))),
            kind => Err(Failure::Garbled(format!("{kind:?} for an answer"))),
        }
    }

    /// Whether the server did it.
    pub(super) fn done(&self) -> Result<(), Failure> {
        if self.kind == CommandTag::Error {
            self.reply::<protocol::LookupReply>().map(|_| ())
        } else {
            Ok(())
        }
    }
}

//! Mends the header of a recording that was cut off, in place.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind as IoErrorKind, Read, Seek, SeekFrom, Write},
    path::Path,
};

use super::{
    Container, Endian, FileReader, ReadHint, Spec, Tags, aiff, au, caf,
    in_use::InUse,
    output::{self, lock},
    wav::{self, Order},
};
use crate::{Error, ErrorKind, Result};

/// More chunks than any file has before its audio.
const MAX_CHUNKS: usize = 10_000;
/// The content of a ds64 chunk, and of the JUNK that keeps its place.
const DS64: u64 = 28;
/// What programs put behind a whole file.
const TAGS: [&[u8]; 5] = [b"TAG", b"ID3", b"id3 ", b"APETAGEX", b"LIST"];

/// What [`repair`] found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// What the file is now: a WAV longer than 4 GiB becomes RF64.
    pub container: Container,
    /// Whether anything was changed. A header that was true is left as it is, byte for byte.
    pub changed: bool,
    /// Whole frames that its header tells now.
    pub frames: u64,
    /// Bytes behind the audio that the header doesn't count: a frame that was cut in two, or what another program put there.
    /// They stay.
    pub leftover: u64,
}

/// Makes the header of the file at `path` true: WAV, RF64, W64, AIFF, AU or CAF with samples that lie in it as they are, whoever
/// wrote it. Where it doesn't know its length, or tells more than there is, all that is there becomes audio; so it does where pastream
/// itself was cut off after its last header. Of the samples nothing is changed, moved or cut off; where the format asks for a
/// byte of padding one is added.
///
/// # Errors
/// `Io` where the file can't be read and written, or is in use; `UnsupportedFile` where it is of another kind, or longer than its header can tell;
/// `CorruptFile` where its header is cut off or contradicts itself.
pub fn repair(path: &Path) -> Result<Repair> {
    let name = path.display();
    let cannot = |error| Error::io(format_args!("cannot repair {name}"), error);
    let (spec, tags) = {
        let reader = FileReader::open(path, &ReadHint::default())?;
        let mendable = matches!(
            reader.spec().container,
            Container::Wav
                | Container::Rf64
                | Container::W64
                | Container::Aiff
                | Container::Au
                | Container::Caf
        );
        if !mendable || reader.codec().is_some() || !reader.seekable() {
            let message = format!(
                "{name} can't be repaired: only files of wav, rf64, w64, aiff, au and caf whose samples are not compressed can; it is {}",
                reader.codec().unwrap_or(reader.spec().container.name())
            );
            return Err(Error::new(ErrorKind::UnsupportedFile, message));
        }
        (reader.spec().clone(), reader.tags().clone())
    };
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(cannot)?;
    if InUse::contains(&file) {
        return Err(output::in_use(&name.to_string()));
    }
    lock(&file, &name.to_string())?;
    let length = file.metadata().map_err(cannot)?.len();
    let mut header = Header { file, length, big: false, patches: Vec::new() };
    let repaired = header.mend(&spec, &tags).map_err(cannot)?;
    // As an output does: closing would not do while another process is being started.
    let _ = header.file.unlock();
    repaired.ok_or_else(|| {
        let message = format!(
            "{name} can't be repaired: it is longer than the 4 GiB that its header can tell; copy it with -t raw, or have it read as it is"
        );
        Error::new(ErrorKind::UnsupportedFile, message)
    })
}

/// A file, and the bytes of its header that are to be others.
struct Header {
    file: File,
    length: u64,
    /// The byte order of its numbers.
    big: bool,
    patches: Vec<(u64, Vec<u8>)>,
}

/// Where the fields of a header are.
#[derive(Default)]
struct Fields {
    /// Where the frames begin.
    audio: u64,
    /// Where the head of their chunk begins.
    chunk: u64,
    /// At how many bytes the file ends, by what it says.
    end: Option<u64>,
    /// Where the number of frames stands.
    frames: Option<u64>,
    ds64: Option<u64>,
    /// Room for one.
    junk: Option<u64>,
}

impl Header {
    fn mend(&mut self, spec: &Spec, tags: &Tags) -> std::io::Result<Option<Repair>> {
        let size = spec.frame_size() as u64;
        self.big = match spec.container {
            Container::Aiff | Container::Caf => true,
            Container::Au => self.bytes::<4>(0)?[3] != b'.',
            _ => self.bytes::<4>(0)? == *b"RIFX",
        };
        let fields = self.find(spec.container)?;
        let there = self.length.saturating_sub(fields.audio) / size;
        // What the reader takes for frames.
        let mut frames = spec.frames.unwrap_or(there).min(there);
        if self.is_stale(spec, tags, fields.audio, frames)? {
            frames = there;
        }
        let (data, end) = (frames * size, fields.audio + frames * size);
        let pad = padding(spec.container, data);
        let leftover = self.length.saturating_sub(end + pad);
        let mut repair = Repair { container: spec.container, changed: false, frames, leftover };
        // Its length is told, and what follows is something else; or it ends before its audio begins.
        if frames < there || fields.audio > self.length {
            return Ok(Some(repair));
        }
        let told = self.told(spec, &fields)?;
        let said =
            told.is_some_and(|told| told >= data && told < data + size && fields.audio + told <= self.length);
        // CAF has no length for nothing.
        let said = said || data == 0 && spec.container == Container::Caf;
        let whole = fields.end.is_none_or(|form| (end..=self.length + pad).contains(&form));
        if said && whole {
            return Ok(Some(repair));
        }
        if !self.patch(spec, &fields, frames, end + pad) {
            return Ok(None);
        }
        if self.length < end + pad {
            self.file.set_len(end + pad)?;
        }
        for (at, bytes) in &self.patches {
            self.file.seek(SeekFrom::Start(*at))?;
            self.file.write_all(bytes)?;
            if *at == 0 && bytes.starts_with(b"RF64") {
                repair.container = Container::Rf64;
            }
        }
        self.file.sync_all()?;
        Ok(Some(Repair { changed: true, ..repair }))
    }

    /// Reads `N` bytes at `at`; zeros where the file ends.
    fn bytes<const N: usize>(&mut self, at: u64) -> std::io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.file.seek(SeekFrom::Start(at))?;
        match self.file.read_exact(&mut bytes) {
            Err(error) if error.kind() != IoErrorKind::UnexpectedEof => Err(error),
            _ => Ok(bytes),
        }
    }

    fn u32(&mut self, at: u64) -> std::io::Result<u32> {
        self.bytes::<4>(at).map(|bytes| Order { big: self.big }.u32(&bytes))
    }

    fn u64(&mut self, at: u64) -> std::io::Result<u64> {
        let bytes = self.bytes(at)?;
        Ok(if self.big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }

    /// Whether pastream wrote the header and was cut off when it had written more: then it is byte for byte what it writes for so many
    /// frames, and what follows is no tag.
    fn is_stale(&mut self, spec: &Spec, tags: &Tags, audio: u64, frames: u64) -> std::io::Result<bool> {
        let data = frames * spec.frame_size() as u64;
        let end = audio + data + padding(spec.container, data);
        if self.length <= end {
            return Ok(false);
        }
        let header = match spec.container {
            Container::Wav | Container::Rf64 => wav::header,
            Container::Aiff => aiff::header,
            Container::Au => au::header,
            Container::Caf => caf::header,
            _ => return Ok(false),
        };
        let mut there = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        (&self.file).take(audio).read_to_end(&mut there)?;
        // Of a single byte nobody can tell the order.
        let mut ours = [Endian::Big, Endian::Little]
            .map(|endian| header(&Spec { endian, ..spec.clone() }, tags, Some(data)))
            .into_iter();
        let next: [u8; 8] = self.bytes(end)?;
        Ok(ours.any(|ours| ours == there) && !TAGS.iter().any(|tag| next.starts_with(tag)))
    }

    /// Where the fields are, in a file that has a decoder.
    fn find(&mut self, container: Container) -> std::io::Result<Fields> {
        let mut fields = Fields::default();
        let (mut at, head) = match container {
            Container::Au => {
                fields.audio = self.u32(4)?.into();
                return Ok(fields);
            }
            Container::Caf => (8, 12),
            Container::W64 => {
                fields.end = Some(self.u64(16)?);
                (40, 24)
            }
            _ => {
                fields.end = Some(u64::from(self.u32(4)?) + 8);
                (12, 8)
            }
        };
        for _ in 0..MAX_CHUNKS {
            let id: [u8; 4] = self.bytes(at)?;
            let content = at + head;
            let length = match container {
                Container::Caf => self.u64(at + 4)?,
                Container::W64 => self.u64(at + 16)?.saturating_sub(head),
                _ => self.u32(at + 4)?.into(),
            };
            match &id {
                b"data" | b"SSND" => {
                    fields.chunk = at;
                    fields.audio = content
                        + match container {
                            Container::Caf => 4,
                            Container::Aiff => 8 + u64::from(self.u32(content)?),
                            _ => 0,
                        };
                    break;
                }
                b"ds64" if container == Container::Rf64 => {
                    fields.ds64 = Some(content);
                    fields.end = Some(self.u64(content)?.saturating_add(8));
                }
                b"JUNK" if at == 12 && length >= DS64 && !self.big => fields.junk = Some(content),
                b"fact" if length >= 4 => fields.frames = Some(content),
                b"COMM" => fields.frames = Some(content + 2),
                _ => {}
            }
            let alignment = if container == Container::W64 { 8 } else { 2 };
            let padded =
                if container == Container::Caf { length } else { length.next_multiple_of(alignment) };
            at = content.saturating_add(padded);
        }
        Ok(fields)
    }

    /// Bytes of audio that the header tells; `None` where it says that nobody knows.
    fn told(&mut self, spec: &Spec, fields: &Fields) -> std::io::Result<Option<u64>> {
        Ok(match spec.container {
            Container::Au => Some(self.u32(8)?).filter(|&told| told < u32::MAX).map(u64::from),
            Container::Caf => self.u64(fields.chunk + 4)?.checked_sub(4),
            Container::W64 => self.u64(fields.chunk + 16)?.checked_sub(24),
            Container::Aiff => {
                u64::from(self.u32(fields.chunk + 4)?).checked_sub(fields.audio - fields.chunk - 8)
            }
            _ => match (self.u32(fields.chunk + 4)?, fields.ds64) {
                (u32::MAX, Some(ds64)) => Some(self.u64(ds64 + 8)?),
                (told, _) => Some(told.into()),
            },
        })
    }

    /// Notes what the header has to say for `frames` in a file that ends at `end`. Whether it can.
    fn patch(&mut self, spec: &Spec, fields: &Fields, frames: u64, end: u64) -> bool {
        let big = self.big;
        let data = frames * spec.frame_size() as u64;
        let order = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() }.to_vec();
        let short = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let mut patches: Vec<(u64, Vec<u8>)> = Vec::new();
        match spec.container {
            Container::Au => patches.push((8, order(short(data)))),
            Container::Caf => patches.push((fields.chunk + 4, (data + 4).to_be_bytes().to_vec())),
            Container::W64 => {
                patches.push((16, end.to_le_bytes().to_vec()));
                patches.push((fields.chunk + 16, (data + 24).to_le_bytes().to_vec()));
                patches.extend(fields.frames.map(|at| (at, frames.to_le_bytes().to_vec())));
            }
            Container::Aiff => {
                let ssnd = data + fields.audio - fields.chunk - 8;
                if end - 8 > u64::from(u32::MAX) {
                    return false;
                }
                patches.push((4, short(end - 8).to_be_bytes().to_vec()));
                patches.push((fields.chunk + 4, short(ssnd).to_be_bytes().to_vec()));
                patches.extend(fields.frames.map(|at| (at, short(frames).to_be_bytes().to_vec())));
            }
            _ => {
                let long = fields.ds64.or_else(|| fields.junk.filter(|_| end - 8 > u64::from(u32::MAX)));
                if long.is_none() && end - 8 > u64::from(u32::MAX) {
                    return false;
                }
                if let Some(ds64) = long {
                    // The length of the chunk stays.
                    patches.push((ds64 - 8, b"ds64".to_vec()));
                    patches
                        .push((ds64, [end - 8, data, frames].iter().flat_map(|n| n.to_le_bytes()).collect()));
                    patches.push((4, order(u32::MAX)));
                    if fields.ds64.is_none() {
                        // No table.
                        patches.push((ds64 + 24, vec![0; 4]));
                        patches.push((0, b"RF64".to_vec()));
                    }
                } else {
                    patches.push((4, order(short(end - 8))));
                }
                patches.push((fields.chunk + 4, order(if long.is_some() { u32::MAX } else { short(data) })));
                patches.extend(fields.frames.map(|at| (at, order(short(frames)))));
            }
        }
        self.patches = patches;
        true
    }
}

/// Bytes behind `data` bytes of audio that belong to their chunk.
fn padding(container: Container, data: u64) -> u64 {
    u64::from(matches!(container, Container::Wav | Container::Rf64 | Container::Aiff) && data % 2 == 1)
}

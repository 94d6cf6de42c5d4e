#compdef pastream-rs
# zsh completion of pastream-rs: source <(pastream-rs --completions zsh), or a file _pastream-rs in $fpath
_pastream_rs_devices() {
  compadd -- ${(f)"$(pastream-rs --list 2>/dev/null | sed -n 's/^ *[0-9][0-9]*  \([^ ]*\) .*/\1/p')"}
}
_pastream_rs() {
  _arguments -s -S \
    '*-D+[device by id, by number, or by parts of its name]:X\[,X\]:_pastream_rs_devices' \
    '*--device=[device by id, by number, or by parts of its name]:X\[,X\]:_pastream_rs_devices' \
    '--host=[choose among the devices of one host alone]:NAME:(alsa jack pulse wasapi coreaudio virtual null)' \
    '--latency=[how far the device may lag behind]:L:(low high)' \
    '-b+[frames a block]:N: ' \
    '--blocksize=[frames a block]:N: ' \
    '-r+[sample rate in Hz]:R: ' \
    '--rate=[sample rate in Hz]:R: ' \
    '-c+[channels]:N\[,N\]: ' \
    '--channels=[channels]:N\[,N\]: ' \
    '-f+[sample format of the stream]:F\[,F\]:(float32 int32 int24 int16 int8 uint8)' \
    '--format=[sample format of the stream]:F\[,F\]:(float32 int32 int24 int16 int8 uint8)' \
    '-s+[play on and record from these channels of the device alone, counted from 1, in this order]:C,C...: ' \
    '--channel-select=[play on and record from these channels of the device alone, counted from 1, in this order]:C,C...: ' \
    '*-m+[CHIN\[]:MAP: ' \
    '*--map=[CHIN\[]:MAP: ' \
    '--resample=[where the input has another rate than the stream]:R:(auto off)' \
    '--quality=[of what is resampled]:Q:(fast good best)' \
    '--gain=[gain in dB of the input, or without one of the recording]:DB: ' \
    '-d+[stop after T]:T: ' \
    '--duration=[stop after T]:T: ' \
    '-o+[drop T from the start of the recording]:T: ' \
    '--offset=[drop T from the start of the recording]:T: ' \
    '-p+[append T of silence to the playback]::T: ' \
    '--pad=[append T of silence to the playback]::T: ' \
    '--loop[loop the playback]' \
    '--align[drop the measured round trip from the start of the recording, so that it lies on the playback]' \
    '-t+[file type]:T\[,T\]:(wav rf64 w64 aiff au caf raw flac mp3 ogg m4a mkv adts)' \
    '--file-type=[file type]:T\[,T\]:(wav rf64 w64 aiff au caf raw flac mp3 ogg m4a mkv adts)' \
    '-e+[encoding]:E\[,E\]:(pcm_s8 pcm_u8 pcm_16 pcm_24 pcm_32 float double ulaw alaw)' \
    '--encoding=[encoding]:E\[,E\]:(pcm_s8 pcm_u8 pcm_16 pcm_24 pcm_32 float double ulaw alaw)' \
    '--endian=[byte order]:E\[,E\]:(file big little)' \
    '--dither=[add noise]::SEED: ' \
    '--split=[begin a new output file after each T, or at USR1, with no frame lost and none written over]::T: ' \
    '--preroll=[record only once USR1 comes, and T from before that]:T: ' \
    '*--tag=[what the output says of its audio]:NAME=VALUE:(title= artist= album= date= comment= track= description= originator= timeReference=)' \
    '--sync[wait twice a second until the disk has what was recorded, against a power cut]' \
    '--no-clobber[refuse an output that exists]' \
    '--buffersize=[frames read ahead of the playback]:N: ' \
    '--underrun=[where the input is late]:U:(silence abort)' \
    '--overrun=[where the output is too slow]:O:(gap abort)' \
    '--fatal-xruns[end with status 3 at the first xrun]' \
    '--meter=[level meters in the status line, and levels in the progress of --json]::on|off:(on off)' \
    '--json[tell events and progress as NDJSON on stderr]' \
    '-q[tell nothing but errors]' \
    '--quiet[tell nothing but errors]' \
    '-l[list the devices]' \
    '--list[list the devices]' \
    '--repair[make the headers of the FILEs true, recordings that were cut off, and keep all else in them]' \
    '--completions=[print completions for a shell]:SHELL:(bash zsh fish)' \
    '--version[print the version]' \
    '-h[print the options in short]' \
    '--help[print this help]' \
    '1:input:_files' '2:output:_files'
}
if [ "$funcstack[1]" = _pastream_rs ]; then _pastream_rs "$@"; else compdef _pastream_rs pastream-rs; fi

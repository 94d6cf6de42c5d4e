# bash completion of pastream-rs: source <(pastream-rs --completions bash)
_pastream_rs() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words
  COMPREPLY=()
  # bash takes = and : for words of their own.
  if [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi
  if [[ $word == = ]]; then before=${COMP_WORDS[COMP_CWORD-1]} word=; fi
  case $before in
    -D|--device) words=$(pastream-rs --list 2>/dev/null | sed -n 's/^ *[0-9][0-9]*  \([^ ]*\) .*/\1/p') ;;
    --host) words='alsa jack pulse wasapi coreaudio virtual null' ;;
    --latency) words='low high' ;;
    -b|--blocksize) return ;;
    -r|--rate) return ;;
    -c|--channels) return ;;
    -f|--format) words='float32 int32 int24 int16 int8 uint8' ;;
    -s|--channel-select) return ;;
    -m|--map) return ;;
    --resample) words='auto off' ;;
    --quality) words='fast good best' ;;
    --gain) return ;;
    -d|--duration) return ;;
    -o|--offset) return ;;
    -t|--file-type) words='wav rf64 w64 aiff au caf raw flac mp3 ogg m4a mkv adts' ;;
    -e|--encoding) words='pcm_s8 pcm_u8 pcm_16 pcm_24 pcm_32 float double ulaw alaw' ;;
    --endian) words='file big little' ;;
    --preroll) return ;;
    --tag) words='title= artist= album= date= comment= track= description= originator= timeReference=' ;;
    --buffersize) return ;;
    --underrun) words='silence abort' ;;
    --overrun) words='gap abort' ;;
    --completions) words='bash zsh fish' ;;
    *)
      if [[ $word != -* ]]; then
        COMPREPLY=($(compgen -f -- "$word"))
        compopt -o filenames 2>/dev/null
        return
      fi
      words='-D --device --host --latency -b --blocksize -r --rate -c --channels -f --format -s --channel-select -m --map --resample --quality --gain -d --duration -o --offset -p --pad --loop --align -t --file-type -e --encoding --endian --dither --split --preroll --tag --sync --no-clobber --buffersize --underrun --overrun --fatal-xruns --meter --json -q --quiet -l --list --repair --completions --version -h --help'
      ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _pastream_rs pastream-rs

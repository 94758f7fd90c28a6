#!/bin/sh
# Stands for tegrastats: sh fake-tegrastats.sh HOW [FILE] --interval MS
case $1 in
  twice) # the file's lines, in chunks that end inside a line
    head -c 100 "$2"; sleep 0.05; tail -c +101 "$2"; printf 'RAM 9/9'; exit 0 ;;
  forever) # goes on until it is stopped
    while :; do cat "$2"; sleep 0.02; done ;;
  killed) cat "$2"; kill -KILL $$ ;;
  silent) exec sleep 60 ;;
  stubborn) trap '' TERM; cat "$2"; while :; do sleep 0.05; done ;;
  refuses) echo "tegrastats: unable to open /dev/nvhost" >&2; exit 3 ;;
  arguments) echo "RAM 1/2MB (lfb 1x4MB) CPU [$4%@1]"; exit 0 ;;
esac

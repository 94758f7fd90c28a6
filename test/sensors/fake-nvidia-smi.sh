#!/bin/sh
# Stands for nvidia-smi: sh fake-nvidia-smi.sh HOW --query-gpu=FIELDS --format=csv [--id=...] [--loop-ms=N]
how=$1; shift
fields=${1#--query-gpu=}
case $how in
  dead) echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."; exit 9 ;;
  none) echo "No devices were found"; exit 6 ;;
  old) # knows neither the instant power nor the newer name of the reasons
    for unknown in power.draw.instant power.draw.average clocks_event_reasons.active; do
      case ,$fields, in *,$unknown,*)
        echo "Field \"$unknown\" is not a valid field to query."; exit 2 ;;
      esac
    done ;;
esac
if [ "$fields" = uuid ]; then printf 'uuid\nGPU-a\nGPU-b\n'; exit; fi
header= row=
for field in $(echo "$fields" | tr , ' '); do
  case $field in
    uuid) name=$field cell=GPU-a ;;
    *power*) name="$field [W]" cell='311.52 W' ;;
    memory*) name="$field [MiB]" cell='[N/A]' ;;
    clocks_*) name=$field cell=0x0000000000000024 ;;
    clocks*) name="$field [MHz]" cell='1980 MHz' ;;
    utilization*) name="$field [%]" cell='97 %' ;;
    *) name=$field cell=61 ;;
  esac
  header="$header, $name" row="$row, $cell"
done
echo "${header#, }"
echo "${row#, }"
case "$*" in *--loop-ms=*) while :; do sleep 0.02; echo "${row#, }"; done ;; esac

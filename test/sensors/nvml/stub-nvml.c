/*
 * A libnvidia-ml.so.1 without GPUs. It answers as told: by stub_set(name, value), or by the environment,
 * STUB_NVML="gpus=1,power_mw=300000". A function's name is a setting too: the code that it returns.
 * With -DOLD it is of an old driver: names without suffix only, and none that came later.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef unsigned int u32;
typedef unsigned long long u64;
typedef void *device_t;

static struct { char name[64]; long long value; } settings[64];
static int known = -1;

void stub_set(const char *name, long long value);

static void from_environment(void) {
  if (known >= 0) return;
  known = 0;
  char *text = getenv("STUB_NVML");
  if (!text) return;
  text = strdup(text);
  for (char *pair = strtok(text, ","); pair; pair = strtok(NULL, ",")) {
    char *equals = strchr(pair, '=');
    *equals = 0;
    stub_set(pair, atoll(equals + 1));
  }
  free(text);
}

void stub_set(const char *name, long long value) {
  from_environment();
  int i = 0;
  while (i < known && strcmp(settings[i].name, name)) i++;
  if (i == known) strcpy(settings[known++].name, name);
  settings[i].value = value;
}

static long long get(const char *name, long long otherwise) {
  from_environment();
  for (int i = 0; i < known; i++)
    if (!strcmp(settings[i].name, name)) return settings[i].value;
  return otherwise;
}

#define GPU(i) ((device_t)(0x1000L + (i)))
#define MIG(i) ((device_t)(0x2000L + (i)))
#define INDEX(device) ((int)((long)(device) & 0xfff))
/* Bit i of `lost`: GPU i fell off the bus. */
#define ANSWER(device) \
  if (device && (get("lost", 0) >> INDEX(device)) & 1) return 15; \
  if (get(__func__, 0)) return get(__func__, 0)

#ifdef OLD
#define SINCE(name, suffix) name
#else
#define SINCE(name, suffix) name##suffix
#endif

int SINCE(nvmlInit, _v2)(void) { ANSWER(0); return 0; }
int nvmlSystemGetDriverVersion(char *text, u32 length) { ANSWER(0); strncpy(text, "580.00", length); return 0; }
int SINCE(nvmlDeviceGetCount, _v2)(u32 *count) { ANSWER(0); *count = get("gpus", 2); return 0; }
int SINCE(nvmlDeviceGetHandleByIndex, _v2)(u32 index, device_t *device) {
  if (get("no_handle", -1) == index) return 4;
  *device = GPU(index);
  return 0;
}
int nvmlDeviceGetName(device_t device, char *text, u32 length) {
  ANSWER(device);
  snprintf(text, length, "Stub %d", INDEX(device));
  return 0;
}
int nvmlDeviceGetUUID(device_t device, char *text, u32 length) {
  ANSWER(device);
  if (length < 80) return 7;
  snprintf(text, length, "%s-%08d-0000-0000-0000-000000000000", device >= MIG(0) ? "MIG" : "GPU", INDEX(device));
  return 0;
}
int nvmlDeviceGetArchitecture(device_t device, u32 *architecture) {
  ANSWER(device);
  *architecture = get("architecture", 9);
  return 0;
}
int nvmlDeviceGetPersistenceMode(device_t device, u32 *mode) { ANSWER(device); *mode = 1; return 0; }

struct pci { char legacy[16]; u32 domain, bus, device, id, subsystem; char id_text[32]; };
int SINCE(nvmlDeviceGetPciInfo, _v3)(device_t device, struct pci *pci) {
  ANSWER(device);
  snprintf(pci->legacy, 16, "0000:%02X:00.0", 0x1b + INDEX(device));
  return 0;
}

int nvmlDeviceGetPowerUsage(device_t device, u32 *mw) {
  usleep(get("power_us", 0));
  ANSWER(device);
  *mw = get("power_mw", 300000) + 1000 * INDEX(device);
  return 0;
}
int nvmlDeviceGetEnforcedPowerLimit(device_t device, u32 *mw) { ANSWER(device); *mw = get("limit_mw", 700000); return 0; }
int nvmlDeviceGetMemoryInfo(device_t device, u64 memory[3]) {
  ANSWER(device);
  memory[0] = 141ull << 30; memory[1] = 1ull << 30; memory[2] = (140ull << 30) + INDEX(device);
  return 0;
}
int nvmlDeviceGetUtilizationRates(device_t device, u32 rates[2]) { ANSWER(device); rates[0] = 97; rates[1] = 41; return 0; }
int nvmlDeviceGetClockInfo(device_t device, int type, u32 *mhz) {
  ANSWER(device);
  if (type != 1 && type != 2) return 2;
  *mhz = type == 1 ? get("clock_mhz", 1980) : 3201;
  return 0;
}
int nvmlDeviceGetMaxClockInfo(device_t device, int type, u32 *mhz) {
  ANSWER(device);
  if (type != 1 && type != 2) return 2;
  *mhz = type == 1 ? 1980 : 3201;
  return 0;
}
int nvmlDeviceGetTemperature(device_t device, int sensor, u32 *celsius) {
  ANSWER(device);
  if (sensor) return 2;
  *celsius = get("celsius", 61);
  return 0;
}

/* The counter advances at whole ticks, by the power of the time between. */
int nvmlDeviceGetTotalEnergyConsumption(device_t device, u64 *mj) {
  struct timespec now;
  usleep(get("energy_us", 0));
  ANSWER(device);
  clock_gettime(CLOCK_MONOTONIC, &now);
  u64 tick = get("tick_ms", 100), ms = now.tv_sec * 1000ull + now.tv_nsec / 1000000;
  *mj = ms / tick * tick * (get("power_mw", 300000) / 1000) - get("counter_back_mj", 0);
  return 0;
}

struct entry { u32 pid, pad; u64 used; u32 gpu_instance, compute_instance; u64 protected_bytes; };
/* `processes` of them, from pid `first_pid` on, `stride` bytes from one to the next. */
static int processes(u32 *count, char *entries, int stride) {
  u32 there = get("processes", 0), room = *count;
  *count = there;
  if (there == 0) return 0;
  if (room < there) return 7;
  for (u32 i = 0; i < there; i++) {
    struct entry entry = {get("first_pid", 4000000) + i, 0, get("no_bytes", 0) ? -1ull : (1ull << 30) + i, -1u, -1u, 0};
    memcpy(entries + i * stride, &entry, stride);
  }
  return 0;
}

#ifdef OLD
int nvmlDeviceGetComputeRunningProcesses(device_t device, u32 *count, char *entries) {
  ANSWER(device);
  return processes(count, entries, 16);
}
int nvmlDeviceGetCurrentClocksThrottleReasons(device_t device, u64 *mask) { ANSWER(device); *mask = get("reasons", 0); return 0; }
#else
int nvmlDeviceGetComputeRunningProcesses_v3(device_t device, u32 *count, char *entries) {
  ANSWER(device);
  return processes(count, entries, get("stride", 24));
}
int nvmlDeviceGetComputeRunningProcesses_v2(device_t device, u32 *count, char *entries) {
  ANSWER(device);
  return processes(count, entries, 24);
}
/* One that draws and computes is in both lists. */
int nvmlDeviceGetGraphicsRunningProcesses_v3(device_t device, u32 *count, char *entries) {
  ANSWER(device);
  return processes(count, entries, get("stride", 24));
}
int nvmlDeviceGetCurrentClocksEventReasons(device_t device, u64 *mask) { ANSWER(device); *mask = get("reasons", 0); return 0; }

struct field { u32 id, scope; long long timestamp, latency; int type, code; union { u32 u32; u64 u64; double f64; int i32; } value; };
int nvmlDeviceGetFieldValues(device_t device, int count, struct field *fields) {
  usleep(get("power_us", 0));
  ANSWER(device);
  for (int i = 0; i < count; i++) {
    struct field *field = fields + i;
    field->code = field->scope == 0 ? 0 : 2;
    field->type = 1;
    if (field->id == 186) field->value.u32 = get("power_mw", 300000) + 1000 * INDEX(device), field->code = get("instant", 0);
    else if (field->id == 185) field->value.u32 = get("average_mw", 250000), field->code = get("average", 0);
    else if (field->id == 82) field->type = 5, field->value.i32 = 74, field->code = get("memory_celsius", 0);
    else field->code = 3;
  }
  return 0;
}

struct temperature { u32 version; int sensor, celsius; };
int nvmlDeviceGetTemperatureV(device_t device, struct temperature *temperature) {
  ANSWER(device);
  if (temperature->version != 0x0100000C || temperature->sensor) return 25;
  temperature->celsius = get("celsius", 61);
  return 0;
}

/* `mig` instances of GPU 0, in the first and the last of seven places. */
int nvmlDeviceGetMigMode(device_t device, u32 *current, u32 *pending) {
  ANSWER(device);
  *current = *pending = device == GPU(0) && get("mig", 0);
  return 0;
}
int nvmlDeviceGetMaxMigDeviceCount(device_t device, u32 *count) { ANSWER(device); *count = 7; return 0; }
int nvmlDeviceGetMigDeviceHandleByIndex(device_t device, u32 index, device_t *instance) {
  ANSWER(device);
  if (index != 0 && index != 6) return 6;
  *instance = MIG(index);
  return 0;
}
#endif

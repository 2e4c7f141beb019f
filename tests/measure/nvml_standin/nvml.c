/* A stand-in for NVIDIA's NVML, for machines without a GPU.
 *
 * It does what the text file named by NVML_STANDIN says, which is read anew on each call:
 *
 *   count N                            how many GPUs there are
 *   name GPU TEXT / uuid GPU TEXT      (one word)
 *   used GPU BYTES / reserved GPU BYTES
 *   energy GPU MILLIJOULES
 *   mig GPU 1                          the GPU is split; without this line it knows no MIG
 *   compute GPU PID BYTES              a process that computes; BYTES -1: not available
 *   graphics GPU PID BYTES             a process that draws
 *   fail FUNCTION CODE                 that function returns that error
 *
 * How often a memory query was answered is kept in the file's name with ".looks" appended, so that
 * a test can wait until what it wrote has been seen.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7 };

typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned int version; unsigned long long total, reserved, free, used; } MemoryV2;
typedef struct {
    unsigned int pid;
    unsigned long long usedGpuMemory;
    unsigned int gpuInstanceId, computeInstanceId;
} Process;

static const unsigned long long TOTAL = 80ull << 30;

/* Calls `each` with the words after `key` of every such line, until it returns true. */
static int lines(const char *key, int (*each)(const char *words, void *state), void *state) {
    const char *path = getenv("NVML_STANDIN");
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[512];
    int found = 0;
    size_t length = strlen(key);
    while (file && !found && fgets(line, sizeof line, file))
        if (!strncmp(line, key, length) && line[length] == ' ')
            found = each(line + length + 1, state);
    if (file) fclose(file);
    return found;
}

typedef struct { long gpu; char word[128]; } Wanted;

static int is_wanted(const char *words, void *state) {
    Wanted *wanted = state;
    long gpu;
    char word[128];
    if (sscanf(words, "%ld %127s", &gpu, word) != 2 || gpu != wanted->gpu) return 0;
    strcpy(wanted->word, word);
    return 1;
}

static int text_of(const char *key, void *device, char *text, unsigned int size) {
    Wanted wanted = { (long)device - 1, "" };
    if (!lines(key, is_wanted, &wanted)) return NOT_SUPPORTED;
    snprintf(text, size, "%s", wanted.word);
    return SUCCESS;
}

static int number_of(const char *key, void *device, unsigned long long *number) {
    char text[128];
    int code = text_of(key, device, text, sizeof text);
    if (code == SUCCESS) *number = strtoull(text, NULL, 10);
    return code;
}

static int is_count(const char *words, void *state) {
    *(unsigned int *)state = (unsigned int)atoi(words);
    return 1;
}

typedef struct { const char *function; int code; } Failure;

static int is_failure(const char *words, void *state) {
    Failure *failure = state;
    char function[128];
    int code;
    if (sscanf(words, "%127s %d", function, &code) != 2 || strcmp(function, failure->function))
        return 0;
    failure->code = code;
    return 1;
}

static int failure(const char *function) {
    Failure wanted = { function, SUCCESS };
    lines("fail", is_failure, &wanted);
    return wanted.code;
}
#define MAY_FAIL do { int code = failure(__func__); if (code) return code; } while (0)

static void note_look(void) {
    static unsigned int looks = 0;
    char path[4096], text[16];
    const char *steering = getenv("NVML_STANDIN");
    if (!steering) return;
    snprintf(path, sizeof path, "%s.looks", steering);
    int file = open(path, O_CREAT | O_WRONLY, 0600);
    if (file < 0) return;
    snprintf(text, sizeof text, "%09u", ++looks);
    if (pwrite(file, text, 9, 0) != 9) looks--;
    close(file);
}

int nvmlInitWithFlags(unsigned int flags) { (void)flags; MAY_FAIL; return SUCCESS; }
int nvmlShutdown(void) { return SUCCESS; }

const char *nvmlErrorString(int code) {
    switch (code) {
    case 3: return "Not Supported";
    case 4: return "Insufficient Permissions";
    case 9: return "Driver Not Loaded";
    case 13: return "Function Not Found";
    case 15: return "GPU is lost";
    case 999: return "Unknown Error";
    default: return "An error of the stand-in";
    }
}

int nvmlSystemGetCudaDriverVersion(int *version) { *version = 12040; return SUCCESS; }

int nvmlDeviceGetCount_v2(unsigned int *count) {
    MAY_FAIL;
    *count = 0;
    lines("count", is_count, count);
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device) {
    unsigned int count;
    MAY_FAIL;
    if (nvmlDeviceGetCount_v2(&count) || index >= count) return INVALID_ARGUMENT;
    *device = (void *)((long)index + 1);
    return SUCCESS;
}

int nvmlDeviceGetName(void *device, char *name, unsigned int size) {
    MAY_FAIL;
    return text_of("name", device, name, size);
}

int nvmlDeviceGetUUID(void *device, char *uuid, unsigned int size) {
    MAY_FAIL;
    return text_of("uuid", device, uuid, size);
}

int nvmlDeviceGetMigMode(void *device, unsigned int *current, unsigned int *pending) {
    unsigned long long mode;
    int code = number_of("mig", device, &mode);
    if (code == SUCCESS) *current = *pending = (unsigned int)mode;
    return code;
}

static int memory_of(void *device, unsigned long long *used, unsigned long long *reserved) {
    int code = number_of("used", device, used);
    *reserved = 0;
    number_of("reserved", device, reserved);
    note_look();
    return code;
}

/* As NVML does: the first version counts what is reserved as used. */
int nvmlDeviceGetMemoryInfo(void *device, Memory *memory) {
    unsigned long long used, reserved;
    MAY_FAIL;
    int code = memory_of(device, &used, &reserved);
    if (code) return code;
    memory->total = TOTAL;
    memory->used = used + reserved;
    memory->free = TOTAL - memory->used;
    return SUCCESS;
}

int nvmlDeviceGetMemoryInfo_v2(void *device, MemoryV2 *memory) {
    MAY_FAIL;
    if (memory->version != (sizeof(MemoryV2) | 2 << 24)) return INVALID_ARGUMENT;
    int code = memory_of(device, &memory->used, &memory->reserved);
    if (code) return code;
    memory->total = TOTAL;
    memory->free = TOTAL - memory->used - memory->reserved;
    return SUCCESS;
}

typedef struct { long gpu; unsigned int room, count; Process *processes; } Listing;

static int add_process(const char *words, void *state) {
    Listing *listing = state;
    long gpu;
    unsigned int pid;
    long long bytes;
    if (sscanf(words, "%ld %u %lld", &gpu, &pid, &bytes) != 3 || gpu != listing->gpu) return 0;
    if (listing->count < listing->room) {
        Process *process = &listing->processes[listing->count];
        memset(process, 0, sizeof *process);
        process->pid = pid;
        process->usedGpuMemory = (unsigned long long)bytes; /* -1 is NVML_VALUE_NOT_AVAILABLE */
    }
    listing->count++;
    return 0;
}

static int list_processes(const char *kind, void *device, unsigned int *count, Process *processes) {
    Listing listing = { (long)device - 1, processes ? *count : 0, 0, processes };
    lines(kind, add_process, &listing);
    *count = listing.count;
    return listing.count > listing.room ? INSUFFICIENT_SIZE : SUCCESS;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned int *count, Process *processes) {
    MAY_FAIL;
    return list_processes("compute", device, count, processes);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(void *device, unsigned int *count, Process *processes) {
    MAY_FAIL;
    return list_processes("graphics", device, count, processes);
}

int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules) {
    MAY_FAIL;
    return number_of("energy", device, millijoules);
}

// What the fake libraries share: a device that is memory of this process, and a queue.
#ifndef FAKE_H
#define FAKE_H
#include <stddef.h>
#include <stdint.h>

// Work on a stream. Its data is copied when it is submitted.
typedef int (*fake_work)(void *data); // 0, or the code of an error

// fake_submit puts work on a stream: into its graph while it is captured, else into the queue
// of the device, which runs when something waits for it.
int fake_submit(void *stream, fake_work run, const void *data, size_t bytes);

// fake_shadow is where the host may really read and write the device's memory at addr, or
// null if not all of the bytes are of one allocation.
void *fake_shadow(uint64_t addr, size_t bytes);

int fake_context(void);         // is a context current on this thread?
int fake_valid_stream(void *s); // is it a living stream?
void fake_logf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int fake_injected(const char *call, int *code); // shall this call fail now?

#endif

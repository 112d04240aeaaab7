/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random streams from counters: Philox 4x32-10 (Random123), keyed by the run's seed and by what the stream is for.
 *
 * No stream is ever shared: a stream is named by (seed, purpose, three numbers) and gives the same values whoever asks,
 * in whatever order. Also offered as a gsl_rng so that GSL's distributions draw from it. */
#ifndef HK__RANDOM_H
#define HK__RANDOM_H

#include <gsl/gsl_rng.h>
#include <stdint.h>

/* What a stream is for. Append only: a number in use is part of what a seed means. */
enum hk__purpose {
  HK__FOR_PARAMETER = 1, /* population, hash of the name, neuron */
  HK__FOR_STATE = 2,     /* population, hash of the name, neuron */
  HK__FOR_SOURCES = 3,   /* projection, target neuron */
  HK__FOR_TARGETS = 4,   /* projection, source neuron */
  HK__FOR_SPLIT = 5,     /* projection, node of the splitting tree */
  HK__FOR_WEIGHT = 6,
  HK__FOR_DELAY = 7,
  HK__FOR_INPUT = 8,        /* input, neuron: spike times of private Poisson trains */
  HK__FOR_SOURCE = 9,       /* population, neuron: spike times of Poisson sources */
  HK__FOR_INPUT_VALUE = 10, /* input, hash of the name, neuron */
  HK__FOR_NOISE = 11,
  HK__FOR_TRAINING = 12,
  HK__FOR_ENCODING = 13
};

struct hk__stream {
  uint32_t key[2];
  uint32_t counter[4];
  uint32_t block[4];
  unsigned used; /* words of block already given out */
};

/* b may use 64 bits, a and c 32. Cheap: no allocation, no table. */
void hk__stream_init(struct hk__stream *stream, uint64_t seed, enum hk__purpose purpose, uint32_t a, uint64_t b,
                     uint32_t c);
void hk__stream_next_block(struct hk__stream *stream);

static inline uint32_t hk__stream_u32(struct hk__stream *stream)
{
  if (stream->used == sizeof stream->block / sizeof *stream->block)
    hk__stream_next_block(stream);
  return stream->block[stream->used++];
}

static inline uint64_t hk__stream_u64(struct hk__stream *stream)
{
  uint64_t low = hk__stream_u32(stream);
  return low | (uint64_t)hk__stream_u32(stream) << 32;
}

double hk__stream_uniform(struct hk__stream *stream);             /* in (0, 1), 52 bits, never 0 or 1 */
uint64_t hk__stream_below(struct hk__stream *stream, uint64_t n); /* uniform in [0, n), unbiased; n > 0 */

/* The next count words, those that hk__stream_u32 would give one after the other, several times as fast. */
void hk__stream_fill(struct hk__stream *stream, uint32_t *out, size_t count);

/* The i-th uniform of a stream at once, without going through those before it. */
double hk__stream_uniform_at(uint64_t seed, enum hk__purpose purpose, uint32_t a, uint64_t b, uint32_t c, uint64_t i);

/* A gsl_rng that draws from a stream, for GSL's distributions; no allocation: it lives in the caller's struct, which
 * must not be copied or moved afterwards (rng points into it). */
struct hk__gsl_stream {
  gsl_rng rng; /* pass &rng to gsl_ran_* */
  struct hk__stream stream;
};
void hk__gsl_stream_init(struct hk__gsl_stream *g, uint64_t seed, enum hk__purpose purpose, uint32_t a, uint64_t b,
                         uint32_t c);

/* The same for streams that give many values: draws them in batches, gives the same. */
enum { HK__BATCH = 64 };
struct hk__gsl_batch {
  gsl_rng rng;
  struct hk__stream stream;
  unsigned used;
  uint32_t words[HK__BATCH];
};
void hk__gsl_batch_init(struct hk__gsl_batch *g, uint64_t seed, enum hk__purpose purpose, uint32_t a, uint64_t b,
                        uint32_t c);

#endif

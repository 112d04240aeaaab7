/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stream's name is put through Philox once, keyed by the seed and the purpose: Philox is a bijection of 128 bits, so
 * streams of one seed and purpose never coincide. Half of what comes out is the stream's key, the other half the upper
 * half of its counter; the lower half counts blocks of four words. */
#include "core/random.h"

#include <Random123/philox.h>
#include <string.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

enum { WORDS = 4 };

/* An odd number of random look: keeps the keys of seed s, purpose p and of seed s + 1, purpose p - 1 apart. */
static const uint32_t purpose_step = 0x9E3779B1u;

void hk__stream_next_block(struct hk__stream *stream)
{
  philox4x32_ctr_t counter = {{stream->counter[0], stream->counter[1], stream->counter[2], stream->counter[3]}};
  philox4x32_key_t key = {{stream->key[0], stream->key[1]}};
  philox4x32_ctr_t words = philox4x32(counter, key);
  for (int i = 0; i < WORDS; i++)
    stream->block[i] = words.v[i];
  stream->used = 0;
  if (++stream->counter[0] == 0)
    stream->counter[1]++;
}

void hk__stream_init(struct hk__stream *stream, uint64_t seed, enum hk__purpose purpose, uint32_t a, uint64_t b,
                     uint32_t c)
{
  philox4x32_ctr_t name = {{a, (uint32_t)b, (uint32_t)(b >> 32), c}};
  philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32) + (uint32_t)purpose * purpose_step}};
  philox4x32_ctr_t words = philox4x32(name, key);
  stream->key[0] = words.v[0];
  stream->key[1] = words.v[1];
  stream->counter[0] = stream->counter[1] = 0;
  stream->counter[2] = words.v[2];
  stream->counter[3] = words.v[3];
  stream->used = WORDS;
}

/* --- many words --- */

#ifdef __AVX2__
enum { ROUNDS = 10, LANES = 4, GROUPS = 2, BLOCKS = LANES * GROUPS };

/* Philox on eight counters side by side. A lane of 64 bits holds a word in its lower half; what is in the upper half
 * is of no account, since the product takes the lower halves only and nothing carries into them. */
static void next_blocks(struct hk__stream *stream, uint32_t *out)
{
  const __m256i multiplier0 = _mm256_set1_epi64x(0xD2511F53), multiplier1 = _mm256_set1_epi64x(0xCD9E8D57);
  const __m256i weyl0 = _mm256_set1_epi64x(0x9E3779B9), weyl1 = _mm256_set1_epi64x(0xBB67AE85);
  __m256i k0 = _mm256_set1_epi64x(stream->key[0]), k1 = _mm256_set1_epi64x(stream->key[1]);
  __m256i c0[GROUPS], c1[GROUPS], c2[GROUPS], c3[GROUPS];
  uint64_t first = stream->counter[0] | (uint64_t)stream->counter[1] << 32;
  for (int g = 0; g < GROUPS; g++) {
    __m256i step = _mm256_setr_epi64x(LANES * g, LANES * g + 1, LANES * g + 2, LANES * g + 3);
    c0[g] = _mm256_add_epi64(_mm256_set1_epi64x((long long)first), step);
    c1[g] = _mm256_srli_epi64(c0[g], 32);
    c2[g] = _mm256_set1_epi64x(stream->counter[2]);
    c3[g] = _mm256_set1_epi64x(stream->counter[3]);
  }
  for (int r = 0; r < ROUNDS; r++) {
    for (int g = 0; g < GROUPS; g++) {
      __m256i p0 = _mm256_mul_epu32(multiplier0, c0[g]), p1 = _mm256_mul_epu32(multiplier1, c2[g]);
      c0[g] = _mm256_xor_si256(_mm256_srli_epi64(p1, 32), _mm256_xor_si256(c1[g], k0));
      c1[g] = p1;
      c2[g] = _mm256_xor_si256(_mm256_srli_epi64(p0, 32), _mm256_xor_si256(c3[g], k1));
      c3[g] = p0;
    }
    k0 = _mm256_add_epi64(k0, weyl0);
    k1 = _mm256_add_epi64(k1, weyl1);
  }
  for (int g = 0; g < GROUPS; g++) {
    __m256i w01 = _mm256_blend_epi32(c0[g], _mm256_slli_epi64(c1[g], 32), 0xAA);
    __m256i w23 = _mm256_blend_epi32(c2[g], _mm256_slli_epi64(c3[g], 32), 0xAA);
    __m256i even = _mm256_unpacklo_epi64(w01, w23), odd = _mm256_unpackhi_epi64(w01, w23);
    __m256i *to = (__m256i *)(out + WORDS * LANES * g);
    _mm256_storeu_si256(to, _mm256_permute2x128_si256(even, odd, 0x20));
    _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(even, odd, 0x31));
  }
  first += BLOCKS;
  stream->counter[0] = (uint32_t)first;
  stream->counter[1] = (uint32_t)(first >> 32);
}
#else
enum { BLOCKS = 1 };

static void next_blocks(struct hk__stream *stream, uint32_t *out)
{
  hk__stream_next_block(stream);
  memcpy(out, stream->block, sizeof stream->block);
  stream->used = WORDS;
}
#endif

void hk__stream_fill(struct hk__stream *stream, uint32_t *out, size_t count)
{
  size_t i = 0;
  for (; i < count && stream->used < WORDS; i++)
    out[i] = stream->block[stream->used++];
  for (; count - i >= (size_t)BLOCKS * WORDS; i += (size_t)BLOCKS * WORDS)
    next_blocks(stream, out + i);
  for (; i < count; i++)
    out[i] = hk__stream_u32(stream);
}

/* Odd multiples of 2^-53: neither 0 nor 1, symmetric about a half. */
static double to_unit(uint64_t bits)
{
  return (double)(bits >> 11 | 1) * 0x1p-53;
}

double hk__stream_uniform(struct hk__stream *stream)
{
  return to_unit(hk__stream_u64(stream));
}

/* Lemire (2019) ACM Trans. Model. Comput. Simul. 29:3: the high half of a product, redrawn where the low half falls in
 * the part that would make some results likelier. */
uint64_t hk__stream_below(struct hk__stream *stream, uint64_t n)
{
  if (n <= UINT32_MAX) {
    uint32_t m = (uint32_t)n;
    uint64_t product = (uint64_t)hk__stream_u32(stream) * m;
    if ((uint32_t)product < m) {
      uint32_t unfair = (uint32_t)-m % m;
      while ((uint32_t)product < unfair)
        product = (uint64_t)hk__stream_u32(stream) * m;
    }
    return product >> 32;
  }
  __extension__ typedef unsigned __int128 wide;
  wide product = (wide)hk__stream_u64(stream) * n;
  if ((uint64_t)product < n) {
    uint64_t unfair = -n % n;
    while ((uint64_t)product < unfair)
      product = (wide)hk__stream_u64(stream) * n;
  }
  return (uint64_t)(product >> 64);
}

double hk__stream_uniform_at(uint64_t seed, enum hk__purpose purpose, uint32_t a, uint64_t b, uint32_t c, uint64_t i)
{
  struct hk__stream stream;
  hk__stream_init(&stream, seed, purpose, a, b, c);
  uint64_t block = i / 2;
  stream.counter[0] = (uint32_t)block;
  stream.counter[1] = (uint32_t)(block >> 32);
  hk__stream_next_block(&stream);
  stream.used = i % 2 ? 2 : 0;
  return hk__stream_uniform(&stream);
}

/* --- GSL --- */

/* GSL would seed the state here; a stream has its seed from its name. */
static void gsl_set(void *state, unsigned long seed)
{
  (void)state;
  (void)seed;
}

static unsigned long gsl_get(void *state)
{
  return hk__stream_u32(state);
}

static double gsl_get_double(void *state)
{
  return hk__stream_uniform(state);
}

static const gsl_rng_type gsl_type = {
    .name = "hk_philox4x32",
    .max = UINT32_MAX,
    .min = 0,
    .size = sizeof(struct hk__stream),
    .set = gsl_set,
    .get = gsl_get,
    .get_double = gsl_get_double,
};

void hk__gsl_stream_init(struct hk__gsl_stream *g, uint64_t seed, enum hk__purpose purpose, uint32_t a, uint64_t b,
                         uint32_t c)
{
  hk__stream_init(&g->stream, seed, purpose, a, b, c);
  g->rng.type = &gsl_type;
  g->rng.state = &g->stream;
}

static unsigned long batch_get(void *state)
{
  struct hk__gsl_batch *g = state;
  if (g->used == HK__BATCH) {
    hk__stream_fill(&g->stream, g->words, HK__BATCH);
    g->used = 0;
  }
  return g->words[g->used++];
}

static double batch_get_double(void *state)
{
  uint64_t low = batch_get(state);
  return to_unit(low | (uint64_t)batch_get(state) << 32);
}

static const gsl_rng_type batch_type = {
    .name = "hk_philox4x32_batch",
    .max = UINT32_MAX,
    .min = 0,
    .size = sizeof(struct hk__gsl_batch),
    .set = gsl_set,
    .get = batch_get,
    .get_double = batch_get_double,
};

void hk__gsl_batch_init(struct hk__gsl_batch *g, uint64_t seed, enum hk__purpose purpose, uint32_t a, uint64_t b,
                        uint32_t c)
{
  hk__stream_init(&g->stream, seed, purpose, a, b, c);
  g->used = HK__BATCH;
  g->rng.type = &batch_type;
  g->rng.state = g;
}

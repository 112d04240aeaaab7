/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One sort, for a type of element. Included with
 *   SORT     the name of the function
 *   ELEMENT  the type
 *   LESS     (const ELEMENT *, const ELEMENT *) -> bool, a total order up to equal bytes
 *   KEY      (const ELEMENT *) -> double, never falling in that order
 * Elements are thrown into buckets by their key, evenly between the least and the greatest; buckets then hold few each
 * unless keys are very uneven, and are sorted by insertion, or by merging where they are large. */
#define GLUE_(a, b) a##_##b
#define GLUE(a, b) GLUE_(a, b)
#define INSERT GLUE(SORT, insert)
#define MERGE GLUE(SORT, merge)
#define SORTED GLUE(SORT, sorted)

static void INSERT(ELEMENT *e, uint64_t count)
{
  for (uint64_t i = 1; i < count; i++) {
    ELEMENT x = e[i];
    uint64_t j = i;
    for (; j > 0 && LESS(&x, &e[j - 1]); j--)
      e[j] = e[j - 1];
    e[j] = x;
  }
}

static bool SORTED(const ELEMENT *e, uint64_t count)
{
  for (uint64_t i = 1; i < count; i++)
    if (LESS(&e[i], &e[i - 1]))
      return false;
  return true;
}

/* Merges ever longer runs, back and forth between e and scratch; the result is in e. */
static void MERGE(ELEMENT *e, uint64_t count, ELEMENT *scratch)
{
  for (uint64_t i = 0; i < count; i += INSERTION_MAX)
    INSERT(e + i, count - i < INSERTION_MAX ? count - i : INSERTION_MAX);
  ELEMENT *from = e, *to = scratch;
  for (uint64_t run = INSERTION_MAX; run < count; run *= 2) {
    for (uint64_t start = 0; start < count; start += 2 * run) {
      uint64_t a = start, b = start + run, a_end = b < count ? b : count;
      uint64_t b_end = b + run < count ? b + run : count;
      for (uint64_t k = start; k < b_end; k++)
        to[k] = b >= b_end || (a < a_end && !LESS(&from[b], &from[a])) ? from[a++] : from[b++];
    }
    ELEMENT *spare = from;
    from = to;
    to = spare;
  }
  if (from != e)
    memcpy(e, from, count * sizeof *e);
}

static void SORT(ELEMENT *e, uint64_t count, ELEMENT *scratch, uint32_t *bucket)
{
  if (SORTED(e, count))
    return;
  if (count <= INSERTION_MAX) {
    INSERT(e, count);
    return;
  }
  double least = KEY(&e[0]), greatest = least;
  for (uint64_t i = 1; i < count; i++) {
    double key = KEY(&e[i]);
    least = key < least ? key : least;
    greatest = key > greatest ? key : greatest;
  }
  uint32_t buckets = count < HK__SORT_BUCKETS ? (uint32_t)count : HK__SORT_BUCKETS;
  double scale = (buckets - 1) / (greatest - least);
  if (!(scale > 0 && scale < HUGE_VAL) || count > UINT32_MAX) {
    MERGE(e, count, scratch);
    return;
  }
  memset(bucket, 0, ((size_t)buckets + 1) * sizeof *bucket);
  for (uint64_t i = 0; i < count; i++)
    bucket[(uint32_t)((KEY(&e[i]) - least) * scale) + 1]++;
  for (uint32_t b = 0; b < buckets; b++)
    bucket[b + 1] += bucket[b];
  for (uint64_t i = 0; i < count; i++)
    scratch[bucket[(uint32_t)((KEY(&e[i]) - least) * scale)]++] = e[i];
  memcpy(e, scratch, count * sizeof *e);
  /* each entry of bucket now says where its bucket ends */
  for (uint32_t b = 0, start = 0; b < buckets; start = bucket[b++])
    if (bucket[b] - start > BUCKET_MAX)
      MERGE(e + start, bucket[b] - start, scratch);
  INSERT(e, count);
}

#undef GLUE_
#undef GLUE
#undef INSERT
#undef MERGE
#undef SORTED
#undef SORT
#undef ELEMENT
#undef LESS
#undef KEY

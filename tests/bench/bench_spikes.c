/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes a large spikes file as a run would, to measure what reads it: 100,000 neurons in two populations, Poisson
 * trains whose common rate swells and ebbs, ten seconds. usage: bench_spikes SPIKES FILE.h5 */
#include <hillock/spikes.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../draws.h"

enum { PIECE = 1 << 16 };

static double draw(uint64_t *state)
{
  return ((double)(next_random(state) >> 11) + 0.5) * 0x1p-53;
}

/* Time runs evenly through the spikes; the wave moves each a little, without changing their order. */
static enum hk_status write_population(struct hk_spike_writer *writer, size_t population, uint64_t count,
                                       uint64_t neurons, double duration)
{
  static double times[PIECE];
  static uint64_t ids[PIECE];
  uint64_t state = population + 1;
  enum hk_status status = HK_OK;
  for (uint64_t done = 0; done < count && status == HK_OK;) {
    size_t piece = count - done < PIECE ? (size_t)(count - done) : PIECE;
    for (size_t i = 0; i < piece; i++) {
      double even = duration * ((double)(done + i) + draw(&state)) / (double)count;
      times[i] = even + 0.8 * 40 * sin(even / 40) + 32;
      ids[i] = (uint64_t)(draw(&state) * (double)neurons);
    }
    status = hk_spike_writer_append(writer, population, times, ids, piece);
    done += piece;
  }
  return status;
}

int main(int argc, char **argv)
{
  static const char *const names[] = {"exc", "inh"};
  struct hk_spike_writer *writer = NULL;
  if (argc != 3) {
    fprintf(stderr, "usage: bench_spikes SPIKES FILE.h5\n");
    return 2;
  }
  uint64_t spikes = strtoull(argv[1], NULL, 10);
  enum hk_status status = hk_spike_writer_create(argv[2], names, 2, &writer, NULL);
  if (status == HK_OK)
    status = write_population(writer, 0, spikes - spikes / 5, 80000, 10000);
  if (status == HK_OK)
    status = write_population(writer, 1, spikes / 5, 20000, 10000);
  if (status == HK_OK)
    status = hk_spike_writer_note_number(writer, "size_exc", 80000);
  if (status == HK_OK)
    status = hk_spike_writer_note_number(writer, "size_inh", 20000);
  if (status == HK_OK)
    status = hk_spike_writer_note_number(writer, "duration", 10064);
  enum hk_status closed = hk_spike_writer_close(writer, NULL);
  return status != HK_OK || closed != HK_OK;
}

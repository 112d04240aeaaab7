/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of `hillock`. Each lives in a file of its name, prints its own --help and returns an exit code. The
 * command line uses only the library's public headers. */
#ifndef HK__COMMANDS_H
#define HK__COMMANDS_H

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

/* name, summary; in the order in which `hillock --help` lists them */
#define HK__COMMAND_LIST(X)                                        \
  X(run, "simulate the network of a config and record its spikes") \
  X(compare, "compare step functions with spiking neurons")        \
  X(raster, "draw spikes, to a picture or in the terminal")        \
  X(plot, "draw histograms, correlations, spectra and traces")     \
  X(stats, "statistics of spike trains, as a table or JSON")       \
  X(report, "a result as one page for a browser")                  \
  X(export, "write spike trains as text")                          \
  X(import, "make a spikes file of a table")                       \
  X(models, "list the models, or print one's equations and tables")

#define HK__DECLARE_COMMAND(name, summary) int command_##name(int argc, char **argv);
HK__COMMAND_LIST(HK__DECLARE_COMMAND)
#undef HK__DECLARE_COMMAND

#endif

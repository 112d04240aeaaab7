/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configs: from a YAML file or a SONATA simulation config to a network and the options of its run. */
#ifndef HILLOCK_CONFIG_H
#define HILLOCK_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include <hillock/network.h>
#include <hillock/simulation.h>
#include <hillock/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hk_config;

/* Reads a config, YAML or (by its content) SONATA JSON, with `KEY=VALUE` overrides applied to it (KEY a dotted path,
 * `populations.exc.size=100`, `simulation.seed=3`; VALUE in YAML). A wrong config is HK_ERR_INPUT with all its errors
 * in messages, each with file, line and column. Warnings may come with HK_OK. Nothing is written. */
enum hk_status hk_config_read(const char *path, const char *const *overrides, size_t override_count,
                              struct hk_config **out, struct hk_messages *messages);
void hk_config_destroy(struct hk_config *config); /* NULL is fine */

const char *hk_config_name(const struct hk_config *config);     /* file name without folder and ending */
const char *hk_config_text(const struct hk_config *config);     /* the file as read */
double hk_config_duration(const struct hk_config *config);      /* ms */
struct hk_network *hk_config_network(struct hk_config *config); /* belongs to the config */
struct hk_options hk_config_options(const struct hk_config *config);

/* Where a SONATA config asks its output to go: a folder and a file name; NULL for a YAML config. */
const char *hk_config_output_folder(const struct hk_config *config);
const char *hk_config_spikes_file(const struct hk_config *config);

/* The resolved config as YAML: every default written out, overrides applied, and duration and options as given here
 * (so that command-line choices are in it). Running it gives the same bits. The text must be freed with free(). */
enum hk_status hk_config_resolve(const struct hk_config *config, double duration, const struct hk_options *options,
                                 char **text);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of models, or all that a model's descriptor tells. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <hillock/model.h>
#include <hillock/status.h>

#include "commands.h"
#include "options.h"

static const struct usage usage = {
    .synopsis = "hillock models [NAME]",
    .about = "Lists the neuron models, or prints the equations, parameters, states, ports and reference of one.",
};

/* --- tables: columns as wide as their longest text --- */

enum { COLUMNS = 5, CELL = 48, ROWS_MAX = HK_PARAMS_MAX + 1 };

struct table {
  char cell[ROWS_MAX][COLUMNS][CELL];
  const char *last[ROWS_MAX]; /* the last column, of any length */
  int width[COLUMNS];
  size_t rows, columns;
};

static void set(struct table *table, size_t column, const char *text)
{
  char *cell = table->cell[table->rows][column];
  snprintf(cell, CELL, "%s", text);
  int width = (int)strlen(cell);
  table->width[column] = width > table->width[column] ? width : table->width[column];
}

static void end_row(struct table *table, const char *last)
{
  table->last[table->rows++] = last;
}

static void print_table(const char *title, const struct table *table)
{
  printf("\n%s\n", title);
  for (size_t row = 0; row < table->rows; row++) {
    for (size_t column = 0; column < table->columns; column++)
      printf("  %-*s", table->width[column], table->cell[row][column]);
    printf("  %s\n", table->last[row]);
  }
}

static const char *shown_unit(const char *unit)
{
  return strcmp(unit, "1") == 0 ? "-" : unit;
}

static const char *range_of(const struct hk_param *param, char *text, size_t size)
{
  bool low = !isinf(param->low), high = !isinf(param->high);
  if (low && high)
    snprintf(text, size, "%s%g, %g]", param->open_low ? "(" : "[", param->low, param->high);
  else if (low)
    snprintf(text, size, "%s %g", param->open_low ? ">" : ">=", param->low);
  else if (high)
    snprintf(text, size, "<= %g", param->high);
  else
    snprintf(text, size, "any");
  return text;
}

static void print_params(const struct hk_model *model)
{
  static struct table table;
  char text[CELL];
  table = (struct table){.columns = 4};
  set(&table, 0, "name"), set(&table, 1, "default"), set(&table, 2, "unit"), set(&table, 3, "range");
  end_row(&table, "meaning");
  for (size_t i = 0; i < model->param_count && table.rows < ROWS_MAX; i++) {
    const struct hk_param *param = &model->params[i];
    set(&table, 0, param->name);
    snprintf(text, sizeof text, "%g", param->preset);
    set(&table, 1, text);
    set(&table, 2, shown_unit(param->unit));
    set(&table, 3, range_of(param, text, sizeof text));
    end_row(&table, param->meaning);
  }
  print_table("parameters", &table);
}

static void print_states(const struct hk_model *model)
{
  static struct table table;
  char text[CELL];
  table = (struct table){.columns = 3};
  set(&table, 0, "name"), set(&table, 1, "initially"), set(&table, 2, "unit");
  end_row(&table, "meaning");
  for (size_t i = 0; i < model->state_count && table.rows < ROWS_MAX; i++) {
    const struct hk_state *state = &model->states[i];
    set(&table, 0, state->name);
    snprintf(text, sizeof text, "%g", state->preset);
    set(&table, 1, state->preset_param ? state->preset_param : text);
    set(&table, 2, shown_unit(state->unit));
    end_row(&table, state->meaning);
  }
  print_table("states", &table);
}

static void print_ports(const struct hk_model *model)
{
  static const char *const signs[] = {"negative", "any", "positive"};
  static struct table table;
  table = (struct table){.columns = 3};
  set(&table, 0, "name"), set(&table, 1, "weights"), set(&table, 2, "unit");
  end_row(&table, "what an event does");
  for (size_t i = 0; i < model->port_count && table.rows < ROWS_MAX; i++) {
    const struct hk_port *port = &model->ports[i];
    set(&table, 0, port->name);
    set(&table, 1, signs[port->sign + 1]);
    set(&table, 2, shown_unit(port->unit));
    end_row(&table, port->meaning);
  }
  print_table("ports", &table);
}

static void print_model(const struct hk_model *model)
{
  printf("%s: %s\n\n", model->name, model->summary);
  for (const char *line = model->doc; line && *line;) {
    size_t length = strcspn(line, "\n");
    printf("  %.*s\n", (int)length, line);
    line += length + (line[length] == '\n');
  }
  if (model->param_count > 0)
    print_params(model);
  if (model->state_count > 0)
    print_states(model);
  if (model->port_count > 0)
    print_ports(model);
  printf("\nreference\n  %s\n", model->reference);
}

static void list_models(void)
{
  int width = 0;
  for (size_t i = 0; i < hk_model_count(); i++) {
    int length = (int)strlen(hk_model_at(i)->name);
    width = length > width ? length : width;
  }
  for (size_t i = 0; i < hk_model_count(); i++)
    printf("%-*s  %s\n", width, hk_model_at(i)->name, hk_model_at(i)->summary);
}

static int unknown_model(const struct arguments *args, const char *name)
{
  enum { MANY = 256 };
  const char *names[MANY];
  size_t count = 0;
  while (count < MANY && hk_model_at(count)) {
    names[count] = hk_model_at(count)->name;
    count++;
  }
  const char *near = hk_suggest(name, names, count);
  return wrong_usage(args, "there is no model `%s`%s%s%s; `hillock models` lists them", name,
                     near ? ", did you mean `" : "", near ? near : "", near ? "`?" : "");
}

int command_models(int argc, char **argv)
{
  struct arguments args = {.argc = argc, .argv = argv, .usage = &usage};
  const char *value, *name = NULL;
  for (int option; (option = next_option(&args, &value)) != OPTION_END;) {
    if (option != OPTION_PLAIN)
      return option_exit(option);
    if (name)
      return wrong_usage(&args, "one model at a time was expected, `%s` and `%s` were found", name, value);
    name = value;
  }
  if (!name) {
    list_models();
    return EXIT_DONE;
  }
  const struct hk_model *model = hk_model_find(name);
  if (!model)
    return unknown_model(&args, name);
  print_model(model);
  return EXIT_DONE;
}

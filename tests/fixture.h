/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each test of reading and writing files begins and ends with: a folder and messages of its own. */
#ifndef HK_TESTS_FIXTURE_H
#define HK_TESTS_FIXTURE_H

#include <check.h>

#include <hillock/status.h>

#include "files.h"

static struct hk_messages *messages;

__attribute__((unused)) static void setup(void)
{
  make_folder();
  ck_assert_int_eq(hk_messages_create(&messages), HK_OK);
}

__attribute__((unused)) static void teardown(void)
{
  hk_messages_destroy(messages);
  remove_folder();
}

__attribute__((unused)) static void expect(enum hk_status status, enum hk_status expected)
{
  ck_assert_msg(status == expected, "%s: %s", hk_status_message(status),
                hk_messages_count(messages) ? hk_messages_get(messages, hk_messages_count(messages) - 1).text : "");
}

#endif

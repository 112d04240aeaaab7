/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Run while building: a file as a C array of its bytes. usage: embed FILE NAME > FILE.c */
#include <stdio.h>

int main(int argc, char **argv)
{
  FILE *file = argc == 3 ? fopen(argv[1], "rb") : NULL;
  if (!file)
    return 1;
  printf("extern const char %s[];\nconst char %s[] = {", argv[2], argv[2]);
  for (int c; (c = fgetc(file)) != EOF;)
    printf("%d,", c > 127 ? c - 256 : c);
  printf("0};\n");
  return ferror(file) || fclose(file) != 0 || fflush(stdout) != 0;
}

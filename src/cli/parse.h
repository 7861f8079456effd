/* A message as a line of JSON, for `ferry send --json`:
 *
 *     {"text": "hello", "type": 3, "priority": 1}     or "base64" in place of "text"
 *
 * Keys may come in any order; "type" and "priority" may be missing. */
#ifndef FERRY_CLI_PARSE_H
#define FERRY_CLI_PARSE_H

#include <ferry/ferry.h>

/* Understands `length` bytes, and decodes the message in their place.  NULL, or what is wrong. */
const char *message_parse(char *line, size_t length, struct ferry_message *ret_message);

#endif

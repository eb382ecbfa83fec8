// SPDX-License-Identifier: Apache-2.0
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

// The library's names are macros that glue the width on, which Swift doesn't see.
static inline pcre2_code_8 *cpcre2_compile(const char *pattern, size_t length, int *error, size_t *offset) {
    return pcre2_compile_8((PCRE2_SPTR8)pattern, length,
        PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, error, offset, NULL);
}

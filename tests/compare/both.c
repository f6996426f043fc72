/* Both of all texts that differ in one byte, of each length up to five words, at each
 * alignment: as many lines as there are differences, or the number of comparisons. */
#define memcmp our_memcmp
#define bcmp our_bcmp
#include "../../src/compare.c"
#undef memcmp
#undef bcmp
#include <stdio.h>
#include <string.h>

enum { LONGEST = 40, ALIGNMENTS = 8 };

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

int main(void)
{
    static const unsigned char pairs[][2] = {
        {0, 255}, {255, 0}, {1, 2}, {127, 128}, {128, 127}, {'a', 'b'}, {7, 7},
    };
    unsigned char left[LONGEST + ALIGNMENTS + 8], right[sizeof left];
    long n_compared = 0, n_wrong = 0;
    for (size_t n = 0; n <= LONGEST; n++)
        for (size_t at = 0; at < (n ? n : 1); at++)
            for (size_t pair = 0; pair < sizeof pairs / sizeof *pairs; pair++)
                for (size_t l = 0; l < ALIGNMENTS; l++)
                    for (size_t r = 0; r < ALIGNMENTS / 2; r++) {
                        memset(left, 1, sizeof left);
                        memset(right, 2, sizeof right);
                        for (size_t i = 0; i < n; i++)
                            left[l + i] = right[r + i] = (unsigned char)(i * 37);
                        left[l + at] = pairs[pair][0];
                        right[r + at] = pairs[pair][1];
                        /* What follows the difference must not decide. */
                        if (at + 1 < n)
                            left[l + at + 1] ^= pairs[pair][0] == pairs[pair][1] ? 0 : 255;
                        int theirs = sign(memcmp(left + l, right + r, n));
                        int ours = sign(our_memcmp(left + l, right + r, n));
                        int equal = our_bcmp(left + l, right + r, n) == 0;
                        n_compared++;
                        if (ours != theirs || equal != (theirs == 0)) {
                            n_wrong++;
                            printf("%zu bytes, the %zuth: %d, not %d\n", n, at, ours, theirs);
                        }
                    }
    if (n_wrong == 0)
        printf("%ld comparisons\n", n_compared);
    return n_wrong != 0;
}

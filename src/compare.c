/*
 * memcmp and bcmp, a word at a time. The C library that zig links into static
 * binaries compares byte by byte, and a render compares names all the time: keys of
 * maps, functions, fields.
 */
#include <stddef.h>
#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "a word's first byte is taken for its lowest"
#endif

typedef size_t word;

static inline word word_at(const unsigned char *place)
{
    word loaded;
    __builtin_memcpy(&loaded, place, sizeof loaded);
    return loaded;
}

static inline uint32_t half_at(const unsigned char *place)
{
    uint32_t loaded;
    __builtin_memcpy(&loaded, place, sizeof loaded);
    return loaded;
}

/* Of two that differ: the first byte that does decides. */
static int order(word left, word right)
{
    if (sizeof(word) == 8)
        return __builtin_bswap64(left) < __builtin_bswap64(right) ? -1 : 1;
    return __builtin_bswap32(left) < __builtin_bswap32(right) ? -1 : 1;
}

int memcmp(const void *left, const void *right, size_t n)
{
    const unsigned char *l = left, *r = right;
    if (n >= sizeof(word)) {
        const size_t last = n - sizeof(word);
        for (size_t at = 0; at < last; at += sizeof(word)) {
            const word a = word_at(l + at), b = word_at(r + at);
            if (a != b)
                return order(a, b);
        }
        /* May overlap the one before, which was equal. */
        const word a = word_at(l + last), b = word_at(r + last);
        return a == b ? 0 : order(a, b);
    }
    if (sizeof(word) > 4 && n >= 4) {
        uint32_t a = half_at(l), b = half_at(r);
        if (a == b) {
            a = half_at(l + n - 4);
            b = half_at(r + n - 4);
        }
        return a == b ? 0 : __builtin_bswap32(a) < __builtin_bswap32(b) ? -1 : 1;
    }
    for (size_t at = 0; at < n; at++)
        if (l[at] != r[at])
            return l[at] - r[at];
    return 0;
}

int bcmp(const void *left, const void *right, size_t n)
{
    return memcmp(left, right, n);
}

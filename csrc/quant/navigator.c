#include "navigator.h"

#include "../base/status.h"

#include <string.h>

void navigator_init(navigator *navigator, memory_account *account)
{
    memset(navigator, 0, sizeof *navigator);
    navigator->account = account;
}

int navigator_reserve(navigator *navigator, uint32_t dimensions, uint32_t size)
{
    const uint32_t places = bits_navigator_places(dimensions, size);
    bits_layout_init(&navigator->layout, dimensions, places);
    navigator->block = memory_get_zeroed(navigator->account, navigator->layout.block_bytes);
    if (navigator->block == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    navigator->size = size;
    navigator->places = places;
    return DISKANN_OK;
}

void navigator_reset(navigator *navigator)
{
    if (navigator->block != NULL) {
        memory_put(navigator->account, navigator->block, navigator->layout.block_bytes);
    }
    navigator_init(navigator, navigator->account);
}

bits_coder navigator_coder(const navigator *navigator, const bits_coder *coder)
{
    bits_coder own = *coder;
    own.layout = navigator->layout;
    return own;
}

int navigator_is_sound(const navigator *navigator)
{
    return bits_are_sound(&navigator->layout, navigator->block, navigator->places);
}

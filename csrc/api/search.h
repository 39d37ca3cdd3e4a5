/* What the searches of one thread and those of a batch share. */
#ifndef DISKANN_API_SEARCH_H
#define DISKANN_API_SEARCH_H

#include "../include/diskann.h"

/* Makes room for searches like these, so that they need not. ERR_NO_MEMORY. The parameters are sound. */
int searcher_reserve(diskann_searcher *searcher, const diskann_search_params *params);

#endif

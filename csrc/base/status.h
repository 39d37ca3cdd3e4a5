/* Status handling inside the core. */
#ifndef DISKANN_BASE_STATUS_H
#define DISKANN_BASE_STATUS_H

#include "../include/diskann.h"

/* Returns from the calling function when `expression` is an error. */
#define TRY(expression)                   \
    do {                                  \
        int try_status = (expression);    \
        if (try_status < 0) {             \
            return try_status;            \
        }                                 \
    } while (0)

#endif

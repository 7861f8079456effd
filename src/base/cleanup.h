/* The one clean-up idiom: a variable marked with CLEANUP(f) is handed to f when it goes out of
 * scope, and TAKE() moves its value out when the work has succeeded. */
#ifndef FERRY_CLEANUP_H
#define FERRY_CLEANUP_H

#define CLEANUP(function) __attribute__((cleanup(function)))

#define TAKE_AS(variable, empty)                                                                   \
    __extension__({                                                                                \
        __typeof__(variable) taken_ = (variable);                                                  \
        (variable) = (empty);                                                                      \
        taken_;                                                                                    \
    })

#define TAKE(pointer)       TAKE_AS(pointer, NULL)
#define TAKE_FD(descriptor) TAKE_AS(descriptor, -1)

#endif

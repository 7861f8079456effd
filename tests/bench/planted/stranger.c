/* A library that is no plug-in. */
__attribute__((visibility("default"))) extern const int stranger;
const int stranger = 1;

#include "scratch.h"
int main(void) { return 0; }

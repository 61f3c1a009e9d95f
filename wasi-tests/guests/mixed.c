// Writes to standard output and standard error in turn.
#include <unistd.h>

int main(void) {
    for (char n = '1'; n <= '3'; n++) {
        char out[2] = {'o', n}, err[2] = {'e', n};
        if (write(1, out, 2) != 2 || write(2, err, 2) != 2) return 1;
    }
    return 0;
}

/* Eight forks that share 1 GiB and take 1 MiB each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    char *shared = memset(malloc(1 << 30), 1, 1 << 30);
    for (int child = 0; child < 8; child++)
        if (!fork()) {
            shared[0] += *(char *)memset(malloc(1 << 20), 1, 1 << 20);
            sleep(2);
            _exit(shared[0] == 0);
        }
    usleep(200000);
    puts("ready");
    fflush(stdout);
    while (wait(0) > 0) {
    }
    sleep(2);
    return 0;
}

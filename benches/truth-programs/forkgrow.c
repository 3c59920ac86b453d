/* forkgrow BASE COUNT LIVE STEP: holds BASE MiB; COUNT times forks a child that lives LIVE ms,
 * and takes STEP KiB more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int count, char **words) {
    if (count != 5) return 2;
    size_t base = (size_t)atol(words[1]) << 20, step = (size_t)atol(words[4]) << 10;
    char *held = memset(malloc(base), 1, base);
    usleep(300000);
    puts("ready");
    fflush(stdout);
    for (long left = atol(words[2]); left; left--) {
        pid_t child = fork();
        if (!child) {
            usleep(atoi(words[3]) * 1000);
            _exit(0);
        }
        held[0] += *(char *)memset(malloc(step), 1, step);
        waitpid(child, 0, 0);
        usleep(2000);
    }
    sleep(2);
    return 0;
}

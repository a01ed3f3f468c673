/* What operations cost on the real kernel.
 *
 *   linux --list        the verbs
 *   linux VERB DIR      prints the nanoseconds one operation takes: the median of ROUNDS rounds; DIR is a folder for files, best on tmpfs
 *
 * A verb is prepared once, run `count` times in each round, and put away. Whatever fails ends the program with a message: a number is only
 * printed when every call did what it should. Build: gcc -O2 -pthread -o linux linux.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 7
#define PAGE 4096
#define PAGES 16384

static const char *directory;
static char folder[4096], file[4200], buffer[PAGE];
static int fd = -1;

static void check(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* Syscalls and processes */

static void getppid_once(long i)
{
	(void)i;
	syscall(SYS_getppid);
}

static void getrandom_once(long i)
{
	(void)i;
	check(getrandom(buffer, 64, 0) == 64, "getrandom");
}

static void reap(pid_t child)
{
	check(child > 0, "fork");
	check(waitpid(child, NULL, 0) == child, "waitpid");
}

static void fork_once(long i)
{
	pid_t child = fork();

	(void)i;
	if (child == 0)
		_exit(0);
	reap(child);
}

static void vfork_once(long i)
{
	pid_t child = vfork();

	(void)i;
	if (child == 0)
		_exit(0);
	reap(child);
}

/* Namespaces and System V objects: all but the objects need root */

#define SIX (CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET)

static int object = -1;

static void clone_with(unsigned long flags)
{
	pid_t child = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (child == 0)
		_exit(0);
	reap(child);
}

static void clone_uts_once(long i)
{
	(void)i;
	clone_with(CLONE_NEWUTS);
}

static void clone_six_once(long i)
{
	(void)i;
	clone_with(SIX);
}

static void unshare_uts_once(long i)
{
	(void)i;
	check(unshare(CLONE_NEWUTS) == 0, "unshare");
}

static void unshare_ipc_once(long i)
{
	(void)i;
	check(unshare(CLONE_NEWIPC) == 0, "unshare");
}

static void make_queue(void)
{
	check((object = msgget(IPC_PRIVATE, 0600)) >= 0, "msgget");
}

static void remove_queue(void)
{
	msgctl(object, IPC_RMID, NULL);
}

static void message_once(long i)
{
	struct { long type; char text[64]; } m = { 1, "" };

	(void)i;
	check(msgsnd(object, &m, sizeof m.text, 0) == 0, "msgsnd");
	check(msgrcv(object, &m, sizeof m.text, 0, 0) == sizeof m.text, "msgrcv");
}

static void make_semaphore(void)
{
	check((object = semget(IPC_PRIVATE, 1, 0600)) >= 0, "semget");
}

static void remove_semaphore(void)
{
	semctl(object, 0, IPC_RMID);
}

static void semaphore_once(long i)
{
	struct sembuf up = { 0, 1, 0 }, down = { 0, -1, 0 };

	(void)i;
	check(semop(object, &up, 1) == 0 && semop(object, &down, 1) == 0, "semop");
}

/* Files */

static void make_folder(void)
{
	snprintf(folder, sizeof folder, "%s/linux-bench-%d", directory, getpid());
	check(mkdir(folder, 0700) == 0, folder);
}

static void make_file(void)
{
	make_folder();
	snprintf(file, sizeof file, "%s/file", folder);
	fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
	check(fd >= 0 && write(fd, "hello world\n", 12) == 12, file);
}

static void remove_file(void)
{
	close(fd);
	unlink(file);
	rmdir(folder);
}

static char deep[4500];
static const char *const levels[] = { "/a", "/b", "/c", "/d", "/e" };

/* A file five folders below ours. */
static void make_deep(void)
{
	make_folder();
	strcpy(deep, folder);
	for (int i = 0; i < 5; i++) {
		strcat(deep, levels[i]);
		check(mkdir(deep, 0700) == 0, deep);
	}
	strcat(deep, "/f");
	fd = open(deep, O_RDWR | O_CREAT, 0600);
	check(fd >= 0, deep);
}

static void remove_deep(void)
{
	close(fd);
	unlink(deep);
	for (int i = 5; i >= 0; i--) {
		*strrchr(deep, '/') = 0;
		rmdir(deep);
	}
}

static void stat_once(long i)
{
	struct stat st;

	(void)i;
	check(stat(deep, &st) == 0, "stat");
}

static void read_whole(const char *path, size_t size)
{
	int f = open(path, O_RDONLY);

	check(f >= 0 && read(f, buffer, size) > 0, path);
	close(f);
}

static void open_once(long i)
{
	(void)i;
	read_whole(file, 64);
}

static void uptime_once(long i)
{
	(void)i;
	read_whole("/proc/uptime", sizeof buffer);
}

static void status_once(long i)
{
	(void)i;
	read_whole("/proc/self/status", sizeof buffer);
}

static void meminfo_once(long i)
{
	(void)i;
	read_whole("/proc/meminfo", sizeof buffer);
}

static void create_once(long i)
{
	char path[4300];
	int f;

	(void)i;
	snprintf(path, sizeof path, "%s/new", folder);
	f = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	check(f >= 0, path);
	close(f);
	check(unlink(path) == 0, path);
}

static void empty_file(void)
{
	check(ftruncate(fd, 0) == 0, "ftruncate");
}

static void fill_file(void)
{
	make_file();
	for (long i = 0; i < PAGES; i++)
		check(pwrite(fd, buffer, PAGE, i * PAGE) == PAGE, "pwrite");
}

static void pwrite_once(long i)
{
	check(pwrite(fd, buffer, PAGE, i % PAGES * PAGE) == PAGE, "pwrite");
}

static void pread_once(long i)
{
	check(pread(fd, buffer, PAGE, i % PAGES * PAGE) == PAGE, "pread");
}

/* Waiting and waking */

static int ends[4];
static pthread_t partner;

static void *echo(void *unused)
{
	char c;

	while (read(ends[0], &c, 1) == 1 && write(ends[3], &c, 1) == 1)
		;
	return unused;
}

/* Two threads on one CPU, so that every message is a switch. */
static void make_pair(void)
{
	cpu_set_t here;

	check(pipe(ends) == 0 && pipe(ends + 2) == 0, "pipe");
	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	check(sched_setaffinity(0, sizeof here, &here) == 0, "sched_setaffinity");
	check(pthread_create(&partner, NULL, echo, NULL) == 0, "pthread_create");
}

static void end_pair(void)
{
	close(ends[1]);
	pthread_join(partner, NULL);
}

static void ping_once(long i)
{
	char c = 'x';

	(void)i;
	check(write(ends[1], &c, 1) == 1 && read(ends[2], &c, 1) == 1, "pipe");
}

static int poll_fd, event_fd;

static void make_eventfd(void)
{
	struct epoll_event interest = { .events = EPOLLIN };

	poll_fd = epoll_create1(0);
	event_fd = eventfd(0, EFD_NONBLOCK);
	check(poll_fd >= 0 && event_fd >= 0, "eventfd");
	check(epoll_ctl(poll_fd, EPOLL_CTL_ADD, event_fd, &interest) == 0, "epoll_ctl");
}

static void eventfd_once(long i)
{
	struct epoll_event got;
	uint64_t value = 1;

	(void)i;
	check(write(event_fd, &value, sizeof value) == sizeof value, "write");
	check(epoll_wait(poll_fd, &got, 1, -1) == 1, "epoll_wait");
	check(read(event_fd, &value, sizeof value) == sizeof value, "read");
}

/* Memory */

static volatile char *memory;

static void map_fresh(void)
{
	void *m;

	if (memory)
		munmap((void *)memory, (size_t)PAGES * PAGE);
	m = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(m != MAP_FAILED, "mmap");
	/* Where the kernel has huge pages, one fault would fill 512 pages. */
	madvise(m, (size_t)PAGES * PAGE, MADV_NOHUGEPAGE);
	memory = m;
}

static void fault_once(long i)
{
	memory[i * PAGE] = 1;
}

static void zero_page_once(long i)
{
	(void)memory[i * PAGE];
}

/* Every page present and written to, for walks over page tables. */
static void map_present(void)
{
	map_fresh();
	memset((void *)memory, 1, PAGES * PAGE);
}

static void protect_once(long i)
{
	mprotect((void *)memory, PAGES * PAGE, i & 1 ? PROT_READ | PROT_WRITE : PROT_READ);
}

static void *page_list[PAGES];
static int page_status[PAGES];

static void list_pages(void)
{
	map_present();
	for (long i = 0; i < PAGES; i++)
		page_list[i] = (void *)(memory + i * PAGE);
}

static void move_query_once(long i)
{
	(void)i;
	syscall(SYS_move_pages, 0, (unsigned long)PAGES, page_list, NULL, page_status, 0);
}

/* Sockets */

static int talkers[2];
static char letter[64];

static void unshare_net_once(long i)
{
	(void)i;
	check(unshare(CLONE_NEWNET) == 0, "unshare");
}

static void make_unix_pair(void)
{
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, talkers) == 0, "socketpair");
}

static struct sockaddr_in loopback_address(int fd)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof a;

	if (fd >= 0) {
		check(bind(fd, (struct sockaddr *)&a, size) == 0, "bind");
		check(getsockname(fd, (struct sockaddr *)&a, &size) == 0, "getsockname");
	}
	return a;
}

static void make_udp_pair(void)
{
	struct sockaddr_in a;

	talkers[0] = socket(AF_INET, SOCK_DGRAM, 0);
	talkers[1] = socket(AF_INET, SOCK_DGRAM, 0);
	a = loopback_address(talkers[1]);
	check(connect(talkers[0], (struct sockaddr *)&a, sizeof a) == 0, "connect");
}

static void make_tcp_pair(void)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = loopback_address(listener);

	check(listen(listener, 1) == 0, "listen");
	talkers[0] = socket(AF_INET, SOCK_STREAM, 0);
	check(connect(talkers[0], (struct sockaddr *)&a, sizeof a) == 0, "connect");
	talkers[1] = accept(listener, NULL, NULL);
	check(talkers[1] >= 0, "accept");
	close(listener);
}

static void end_talkers(void)
{
	close(talkers[0]);
	close(talkers[1]);
}

static void letter_once(long i)
{
	(void)i;
	check(send(talkers[0], letter, sizeof letter, 0) == sizeof letter, "send");
	check(recv(talkers[1], letter, sizeof letter, 0) == sizeof letter, "recv");
}

static const struct verb {
	const char *name;
	long count;
	/* How many of what is reported one operation is: a ping-pong is two switches. */
	int worth;
	void (*once)(long i);
	void (*setup)(void), (*teardown)(void);
	/* Before each round, outside the time that counts. */
	void (*before)(void);
} verbs[] = {
	{ "getppid", 300000, 1, getppid_once, NULL, NULL, NULL },
	{ "getrandom", 100000, 1, getrandom_once, NULL, NULL, NULL },
	{ "fork-exit-wait", 1000, 1, fork_once, NULL, NULL, NULL },
	{ "vfork-exit-wait", 2000, 1, vfork_once, NULL, NULL, NULL },
	{ "clone-uts-exit-wait", 1000, 1, clone_uts_once, NULL, NULL, NULL },
	{ "clone-six-exit-wait", 100, 1, clone_six_once, NULL, NULL, NULL },
	{ "unshare-uts", 10000, 1, unshare_uts_once, NULL, NULL, NULL },
	{ "unshare-ipc", 500, 1, unshare_ipc_once, NULL, NULL, NULL },
	{ "unshare-net", 100, 1, unshare_net_once, NULL, NULL, NULL },
	{ "unix-pair", 100000, 1, letter_once, make_unix_pair, end_talkers, NULL },
	{ "udp-loopback", 50000, 1, letter_once, make_udp_pair, end_talkers, NULL },
	{ "tcp-loopback", 50000, 1, letter_once, make_tcp_pair, end_talkers, NULL },
	{ "msgsnd-msgrcv", 50000, 1, message_once, make_queue, remove_queue, NULL },
	{ "semop-pair", 100000, 1, semaphore_once, make_semaphore, remove_semaphore, NULL },
	{ "stat", 100000, 1, stat_once, make_deep, remove_deep, NULL },
	{ "open-read-close", 50000, 1, open_once, make_file, remove_file, NULL },
	{ "create-unlink", 20000, 1, create_once, make_file, remove_file, NULL },
	{ "pwrite-first", PAGES, 1, pwrite_once, make_file, remove_file, empty_file },
	{ "pwrite", PAGES * 4, 1, pwrite_once, fill_file, remove_file, NULL },
	{ "pread", PAGES * 4, 1, pread_once, fill_file, remove_file, NULL },
	{ "read-proc-uptime", 20000, 1, uptime_once, NULL, NULL, NULL },
	{ "read-proc-status", 5000, 1, status_once, NULL, NULL, NULL },
	{ "read-proc-meminfo", 5000, 1, meminfo_once, NULL, NULL, NULL },
	{ "pipe-switch", 20000, 2, ping_once, make_pair, end_pair, NULL },
	{ "eventfd", 100000, 1, eventfd_once, make_eventfd, NULL, NULL },
	{ "fault", PAGES, 1, fault_once, NULL, NULL, map_fresh },
	{ "fault-zero-page", PAGES, 1, zero_page_once, NULL, NULL, map_fresh },
	{ "protect-page", 200, PAGES, protect_once, NULL, NULL, map_present },
	{ "move-pages-query", 100, PAGES, move_query_once, NULL, NULL, list_pages },
};

static int ascending(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return d < 0 ? -1 : d > 0;
}

static void measure(const struct verb *verb)
{
	double rounds[ROUNDS];

	if (verb->setup)
		verb->setup();
	for (int round = 0; round < ROUNDS; round++) {
		double start;

		if (verb->before)
			verb->before();
		start = now();
		for (long i = 0; i < verb->count; i++)
			verb->once(i);
		rounds[round] = (now() - start) / verb->count / verb->worth;
	}
	if (verb->teardown)
		verb->teardown();
	qsort(rounds, ROUNDS, sizeof *rounds, ascending);
	printf("%.2f\n", rounds[ROUNDS / 2]);
}

int main(int argc, char **argv)
{
	const size_t count = sizeof verbs / sizeof *verbs;

	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		for (size_t i = 0; i < count; i++)
			puts(verbs[i].name);
		return 0;
	}
	directory = argc > 2 ? argv[2] : "/tmp";
	for (size_t i = 0; argc > 1 && i < count; i++) {
		if (strcmp(argv[1], verbs[i].name) == 0) {
			measure(&verbs[i]);
			return 0;
		}
	}
	fprintf(stderr, "no such verb: %s\n", argc > 1 ? argv[1] : "(none)");
	return 2;
}

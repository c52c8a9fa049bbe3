/* Counts the calls that change files below one folder, and breaks the n-th of them.
 *
 * Loaded with LD_PRELOAD; does nothing until it is armed, by the environment variables
 * FAULT_* when the process starts or by fault_arm() later. A fork of the armed process
 * is not armed: what is counted is the work of one process.
 *
 * One lock is held over each counted call, so the log is in the order of the effects,
 * also between threads. A line of the log, its fields divided by tabs:
 *   index op result errno bytes offset data inode flags path path2
 * `data` is the place of the written bytes in the file of data, -1 without one; `flags`
 * is 1 where open() made the file, 2 where it emptied one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef O_TMPFILE
#define O_TMPFILE 0
#endif

enum mode { NONE, KILL, AFTER, HALVE, FAIL, STOP, SHORT };
static const char *const MODES[] = {"none", "kill", "after", "halve",
                                    "fail", "stop", "short"};

static struct {
  pid_t pid; /* 0: not armed */
  char root[PATH_MAX];
  size_t root_length;
  int log, data;
  long data_at;
  long at, span, count;
  enum mode mode;
  int error;
} state = {.log = -1, .data = -1};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct call {
  const char *op;
  char path[PATH_MAX], path2[PATH_MAX];
  long bytes, offset, data;
  unsigned long inode;
  int flags;
  long index;
};

static void die(void) {
  for (;;) syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
}

static int is_armed(void) {
  return state.pid != 0 && syscall(SYS_getpid) == state.pid;
}

/* Takes "//", "." and ".." out of an absolute path. */
static void normalise(char *path) {
  char copy[PATH_MAX], *rest = copy, *word;
  size_t length = 0;
  strcpy(copy, path);
  while ((word = strsep(&rest, "/")) != NULL) {
    if (*word == 0 || strcmp(word, ".") == 0) continue;
    if (strcmp(word, "..") == 0) {
      while (length > 0 && path[--length] != '/') {
      }
      continue;
    }
    path[length++] = '/';
    size_t size = strlen(word);
    memcpy(path + length, word, size);
    length += size;
  }
  if (length == 0) path[length++] = '/';
  path[length] = 0;
}

static int path_of_fd(int fd, char *out) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, out, PATH_MAX - 1);
  if (length < 0) return 0;
  out[length] = 0;
  return out[0] == '/';
}

static int absolute(int folder, const char *path, char *out) {
  out[0] = 0;
  if (path == NULL) return 0;
  if (path[0] != '/') {
    if (folder == AT_FDCWD) {
      if (syscall(SYS_getcwd, out, PATH_MAX) < 0) return 0;
    } else if (!path_of_fd(folder, out)) {
      return 0;
    }
  }
  if (strlen(out) + strlen(path) + 2 > PATH_MAX) return 0;
  strcat(strcat(out, "/"), path);
  normalise(out);
  return 1;
}

static int is_below(const char *path, const char *root, size_t length) {
  return strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int is_ours(const char *path) {
  return is_below(path, state.root, state.root_length);
}

/* Tells whether a descriptor is a regular file (or any file) of ours. */
static int is_our_fd(struct call *call, int fd, int regular_only) {
  struct stat status;
  if (!is_armed() || !path_of_fd(fd, call->path) || !is_ours(call->path)) return 0;
  if (fstat(fd, &status) != 0) return 0;
  call->inode = status.st_ino;
  return !regular_only || S_ISREG(status.st_mode);
}

static int are_our_paths(struct call *call, int folder, const char *path, int folder2,
                         const char *path2) {
  if (!is_armed()) return 0;
  int is_first = absolute(folder, path, call->path) && is_ours(call->path);
  int is_second = path2 != NULL && absolute(folder2, path2, call->path2) &&
                  is_ours(call->path2);
  return is_first || is_second;
}

static void note(struct call *call, const char *result, int error) {
  char line[2 * PATH_MAX + 256];
  if (state.log < 0) return;
  int length = snprintf(line, sizeof line,
                        "%ld\t%s\t%s\t%d\t%ld\t%ld\t%ld\t%lu\t%d\t%s\t%s\n", call->index,
                        call->op, result, error, call->bytes, call->offset, call->data,
                        call->inode, call->flags, call->path, call->path2);
  syscall(SYS_write, state.log, line, length);
}

/* A full disk or a full table of descriptors does not keep names from being removed. */
static int can_fail(const struct call *call) {
  int removes = strcmp(call->op, "unlink") == 0 || strcmp(call->op, "rmdir") == 0;
  if (state.error == EMFILE) return strcmp(call->op, "open") == 0;
  return !removes || (state.error != ENOSPC && state.error != EDQUOT);
}

static enum mode enter(struct call *call) {
  pthread_mutex_lock(&lock);
  call->index = ++state.count;
  if (call->index < state.at || state.at == 0) return NONE;
  if (state.span > 0 && call->index >= state.at + state.span) return NONE;
  if (state.mode == KILL) {
    note(call, "kill", 0);
    die();
  }
  if (state.mode == STOP) {
    note(call, "stop", 0);
    syscall(SYS_kill, state.pid, SIGSTOP);
    return NONE;
  }
  return state.mode == FAIL && !can_fail(call) ? NONE : state.mode;
}

static void leave(struct call *call, enum mode mode, long result) {
  char text[32];
  int error = errno;
  snprintf(text, sizeof text, "%ld", result);
  note(call, text, result < 0 ? error : 0);
  if (mode == AFTER || mode == HALVE) die();
  pthread_mutex_unlock(&lock);
  errno = error;
}

/* Runs a call that has no half: what is broken is done in one place. */
#define COUNTED(call, NAME, EXPRESSION)        \
  ({                                           \
    long result_ = -1;                         \
    (call)->op = (NAME);                       \
    enum mode mode_ = enter(call);             \
    if (mode_ == HALVE) {                      \
      note(call, "kill", 0);                   \
      die();                                   \
    }                                          \
    if (mode_ == FAIL)                         \
      errno = state.error;                     \
    else                                       \
      result_ = (EXPRESSION);                  \
    leave(call, mode_, result_);               \
    result_;                                   \
  })

/* ---- bytes ---- */

static void keep_data(struct call *call, const struct iovec *parts, int count,
                      long limit) {
  call->data = -1;
  if (state.data < 0) return;
  call->data = state.data_at;
  for (int i = 0; i < count && limit > 0; i++) {
    long size = (long)parts[i].iov_len < limit ? (long)parts[i].iov_len : limit;
    syscall(SYS_write, state.data, parts[i].iov_base, size);
    state.data_at += size;
    limit -= size;
  }
}

/* Writes at `offset`, or at the file's own place where it is -1. */
static long put(int fd, const struct iovec *parts, int count, long offset) {
  if (offset < 0) return syscall(SYS_writev, fd, parts, count);
  return syscall(SYS_pwrite64, fd, parts[0].iov_base, parts[0].iov_len, offset);
}

static long put_some(int fd, const struct iovec *parts, int count, long offset,
                     long limit) {
  long written = 0;
  for (int i = 0; i < count && limit > 0; i++) {
    struct iovec part = parts[i];
    if ((long)part.iov_len > limit) part.iov_len = limit;
    long result = put(fd, &part, 1, offset < 0 ? offset : offset + written);
    if (result < 0) return written ? written : result;
    written += result;
    limit -= result;
  }
  return written;
}

static long counted_write(struct call *call, const char *op, int fd,
                          const struct iovec *parts, int count, long offset) {
  long result = -1, bytes = 0;
  struct stat status;
  for (int i = 0; i < count; i++) bytes += parts[i].iov_len;
  call->op = op;
  enum mode mode = enter(call);
  call->bytes = bytes;
  call->offset = offset;
  if (offset < 0) {
    int flags = syscall(SYS_fcntl, fd, F_GETFL);
    if (flags >= 0 && (flags & O_APPEND) && fstat(fd, &status) == 0)
      call->offset = status.st_size;
    else
      call->offset = syscall(SYS_lseek, fd, 0L, SEEK_CUR);
  }
  if (mode == FAIL)
    errno = state.error;
  else if ((mode == HALVE || mode == SHORT) && bytes > 1)
    result = put_some(fd, parts, count, offset, bytes / 2);
  else
    result = put(fd, parts, count, offset);
  int error = errno;
  keep_data(call, parts, count, result);
  errno = error;
  leave(call, mode, result);
  return result;
}

ssize_t write(int fd, const void *data, size_t size) {
  struct call call = {0};
  if (!is_our_fd(&call, fd, 1)) return syscall(SYS_write, fd, data, size);
  struct iovec part = {(void *)data, size};
  return counted_write(&call, "write", fd, &part, 1, -1);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  struct call call = {0};
  if (!is_our_fd(&call, fd, 1)) return syscall(SYS_writev, fd, parts, count);
  return counted_write(&call, "write", fd, parts, count, -1);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
  struct call call = {0};
  if (!is_our_fd(&call, fd, 1))
    return syscall(SYS_pwrite64, fd, data, size, offset);
  struct iovec part = {(void *)data, size};
  return counted_write(&call, "write", fd, &part, 1, offset);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  return pwrite64(fd, data, size, offset);
}

static int truncate_fd(int fd, off64_t length) {
  struct call call = {0};
  if (!is_our_fd(&call, fd, 1)) return syscall(SYS_ftruncate, fd, length);
  call.bytes = length;
  return COUNTED(&call, "ftruncate", syscall(SYS_ftruncate, fd, length));
}

int ftruncate(int fd, off_t length) { return truncate_fd(fd, length); }
int ftruncate64(int fd, off64_t length) { return truncate_fd(fd, length); }

int truncate64(const char *path, off64_t length) {
  struct call call = {0};
  struct stat status;
  if (!are_our_paths(&call, AT_FDCWD, path, 0, NULL))
    return syscall(SYS_truncate, path, length);
  if (stat(path, &status) == 0) call.inode = status.st_ino;
  call.bytes = length;
  return COUNTED(&call, "ftruncate", syscall(SYS_truncate, path, length));
}
int truncate(const char *path, off_t length) { return truncate64(path, length); }

/* What the kernel copies has no bytes that could be logged: a copy is refused, and
 * every program then reads and writes. */
ssize_t sendfile64(int out, int in, off64_t *offset, size_t count) {
  struct call call = {0};
  if (!is_our_fd(&call, out, 1))
    return syscall(SYS_sendfile, out, in, offset, count);
  errno = EINVAL;
  return -1;
}

ssize_t sendfile(int out, int in, off_t *offset, size_t count) {
  return sendfile64(out, in, (off64_t *)offset, count);
}

ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t count,
                        unsigned flags) {
  struct call call = {0};
  if (!is_our_fd(&call, out, 1))
    return syscall(SYS_copy_file_range, in, from, out, to, count, flags);
  errno = EOPNOTSUPP;
  return -1;
}

/* ---- names ---- */

static int counted_open(struct call *call, int folder, const char *path, int flags,
                        mode_t mode) {
  struct stat status;
  long existed = fstatat(folder, path, &status, 0) == 0;
  call->flags = !existed ? 1 : (flags & O_TRUNC) ? 2 : 0;
  int fd = -1;
  call->op = "open";
  enum mode fault = enter(call);
  if (fault == HALVE) {
    note(call, "kill", 0);
    die();
  }
  if (fault == FAIL)
    errno = state.error;
  else
    fd = syscall(SYS_openat, folder, path, flags, mode);
  int error = errno;
  if (fd >= 0 && fstat(fd, &status) == 0) call->inode = status.st_ino;
  errno = error;
  leave(call, fault, fd);
  return fd;
}

static int any_open(int folder, const char *path, int flags, mode_t mode) {
  struct call call = {0};
  int makes = (flags & (O_CREAT | O_TRUNC)) || (O_TMPFILE && (flags & O_TMPFILE) == O_TMPFILE);
  if (!makes || !are_our_paths(&call, folder, path, 0, NULL))
    return syscall(SYS_openat, folder, path, flags, mode);
  return counted_open(&call, folder, path, flags, mode);
}

#define MODE_OF(flags)                                             \
  ({                                                               \
    mode_t mode_ = 0;                                              \
    if ((flags & O_CREAT) || (O_TMPFILE && (flags & O_TMPFILE))) { \
      va_list list;                                                \
      va_start(list, flags);                                       \
      mode_ = va_arg(list, int);                                   \
      va_end(list);                                                \
    }                                                              \
    mode_;                                                         \
  })

int open(const char *path, int flags, ...) {
  return any_open(AT_FDCWD, path, flags, MODE_OF(flags));
}
int open64(const char *path, int flags, ...) {
  return any_open(AT_FDCWD, path, flags, MODE_OF(flags));
}
int openat(int folder, const char *path, int flags, ...) {
  return any_open(folder, path, flags, MODE_OF(flags));
}
int openat64(int folder, const char *path, int flags, ...) {
  return any_open(folder, path, flags, MODE_OF(flags));
}
int creat(const char *path, mode_t mode) {
  return any_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

int renameat2(int folder, const char *path, int folder2, const char *path2,
              unsigned flags) {
  struct call call = {0};
  if (!are_our_paths(&call, folder, path, folder2, path2))
    return syscall(SYS_renameat2, folder, path, folder2, path2, flags);
  return COUNTED(&call, "rename",
                 syscall(SYS_renameat2, folder, path, folder2, path2, flags));
}
int renameat(int folder, const char *path, int folder2, const char *path2) {
  return renameat2(folder, path, folder2, path2, 0);
}
int rename(const char *path, const char *path2) {
  return renameat2(AT_FDCWD, path, AT_FDCWD, path2, 0);
}

int linkat(int folder, const char *path, int folder2, const char *path2, int flags) {
  struct call call = {0};
  if (!are_our_paths(&call, folder, path, folder2, path2))
    return syscall(SYS_linkat, folder, path, folder2, path2, flags);
  return COUNTED(&call, "link",
                 syscall(SYS_linkat, folder, path, folder2, path2, flags));
}
int link(const char *path, const char *path2) {
  return linkat(AT_FDCWD, path, AT_FDCWD, path2, 0);
}

int unlinkat(int folder, const char *path, int flags) {
  struct call call = {0};
  if (!are_our_paths(&call, folder, path, 0, NULL))
    return syscall(SYS_unlinkat, folder, path, flags);
  return COUNTED(&call, (flags & AT_REMOVEDIR) ? "rmdir" : "unlink",
                 syscall(SYS_unlinkat, folder, path, flags));
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int folder, const char *path, mode_t mode) {
  struct call call = {0};
  if (!are_our_paths(&call, folder, path, 0, NULL))
    return syscall(SYS_mkdirat, folder, path, mode);
  return COUNTED(&call, "mkdir", syscall(SYS_mkdirat, folder, path, mode));
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

/* ---- durability ---- */

int fsync(int fd) {
  struct call call = {0};
  if (!is_our_fd(&call, fd, 0)) return syscall(SYS_fsync, fd);
  return COUNTED(&call, "fsync", syscall(SYS_fsync, fd));
}
int fdatasync(int fd) {
  struct call call = {0};
  if (!is_our_fd(&call, fd, 0)) return syscall(SYS_fdatasync, fd);
  return COUNTED(&call, "fsync", syscall(SYS_fdatasync, fd));
}
int syncfs(int fd) {
  struct call call = {0};
  if (!is_armed() || !path_of_fd(fd, call.path)) return syscall(SYS_syncfs, fd);
  return COUNTED(&call, "syncfs", syscall(SYS_syncfs, fd));
}
void sync(void) {
  struct call call = {0};
  if (!is_armed())
    syscall(SYS_sync);
  else
    COUNTED(&call, "sync", syscall(SYS_sync));
}

/* ---- arming ---- */

static int open_far(const char *path) {
  if (path == NULL || *path == 0) return -1;
  int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
  int fd = syscall(SYS_openat, AT_FDCWD, path, flags, 0666);
  if (fd < 0) return -1;
  /* Far from the descriptors that a program may expect to be free. */
  int far = syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 400);
  syscall(SYS_close, fd);
  return far;
}

/* Counts from now on. `at` 0 breaks nothing; `span` 0 breaks all calls from `at` on. */
int fault_arm(const char *root, const char *log, const char *data, const char *mode,
              long at, long span, int error) {
  state.mode = NONE;
  for (size_t i = 0; i < sizeof MODES / sizeof *MODES; i++)
    if (strcmp(mode, MODES[i]) == 0) state.mode = i;
  strncpy(state.root, root, sizeof state.root - 1);
  normalise(state.root);
  state.root_length = strlen(state.root);
  state.log = open_far(log);
  state.data = open_far(data);
  state.data_at = 0;
  state.at = state.mode == NONE ? 0 : at;
  state.span = span;
  state.error = error;
  state.count = 0;
  state.pid = syscall(SYS_getpid);
  return 0;
}

__attribute__((constructor)) static void arm_from_environment(void) {
  const char *root = getenv("FAULT_ROOT"), *at = getenv("FAULT_AT");
  const char *mode = getenv("FAULT_MODE"), *span = getenv("FAULT_SPAN");
  const char *error = getenv("FAULT_ERRNO");
  if (root == NULL || *root == 0) return;
  fault_arm(root, getenv("FAULT_LOG"), getenv("FAULT_DATA"), mode ? mode : "none",
            at ? atol(at) : 0, span ? atol(span) : 1, error ? atoi(error) : EIO);
}

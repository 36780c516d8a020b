/*
 * Preloaded into servers that can be told a port but no address: what they would bind on every interface they bind on loopback.
 * localstack/cloud/loopback.py compiles it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

typedef int bind_function(int, const struct sockaddr *, socklen_t);

/* A socket for both protocols takes 127.0.0.1 in this form. */
static const struct in6_addr mapped_loopback = {.s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};

static int hears_only_v6(int socket)
{
    int only = 0;
    socklen_t size = sizeof only;

    return getsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &only, &size) == 0 && only;
}

int bind(int socket, const struct sockaddr *address, socklen_t length)
{
    bind_function *next = (bind_function *)dlsym(RTLD_NEXT, "bind");
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address != NULL && length >= sizeof v4 && address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        if (v4.sin_addr.s_addr == htonl(INADDR_ANY)) {
            v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            return next(socket, (const struct sockaddr *)&v4, sizeof v4);
        }
    }
    if (address != NULL && length >= sizeof v6 && address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof v6);
        if (IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr)) {
            v6.sin6_addr = hears_only_v6(socket) ? in6addr_loopback : mapped_loopback;
            return next(socket, (const struct sockaddr *)&v6, sizeof v6);
        }
    }
    return next(socket, address, length);
}

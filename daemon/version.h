#ifndef DAEMON_VERSION_H
#define DAEMON_VERSION_H

#define OCCAMY_VERSION "0.1.0"

#endif

/* secret.h - secrets that are kept beside the config, not in it. */
#ifndef DSGATE_CONFIG_SECRET_H
#define DSGATE_CONFIG_SECRET_H

/* The content of a small regular file without one newline at its end; the caller wipes it with mem_free_secret(). NULL:
 * *why. */
char *secret_from_file(const char *path, const char **why);

/* The same from $CREDENTIALS_DIRECTORY/name, where systemd puts credentials. */
char *secret_from_credential(const char *name, const char **why);

#endif

# cmake -DFROM=file -DTO=header -DNAME=symbol -P embed.cmake: the bytes of a text as a C string.
file(READ ${FROM} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
file(WRITE ${TO} "static const char ${NAME}[] = {${bytes}0};\n")

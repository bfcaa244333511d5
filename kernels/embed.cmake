# cmake -DOUT=FILE -P embed.cmake FILES...: a C table of the files' names and bytes.
set(text "#include \"kernels/kernels.h\"\n\n#include <string.h>\n\n")
set(rows "")
set(i 0)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(arg RANGE 4 ${last})
  set(file ${CMAKE_ARGV${arg}})
  get_filename_component(name ${file} NAME)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND text "static const char text${i}[] = {${bytes}0};\n")
  string(APPEND rows "\t{\"${name}\", text${i}},\n")
  math(EXPR i "${i} + 1")
endforeach()
string(APPEND text "
static const struct {
	const char *name, *text;
} files[] = {
${rows}};

const char *kernel_name(unsigned i)
{
	return i < sizeof(files) / sizeof(files[0]) ? files[i].name : NULL;
}

const char *kernel_source(const char *name)
{
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (!strcmp(files[i].name, name))
			return files[i].text;
	return NULL;
}
")
file(WRITE ${OUT} "${text}")

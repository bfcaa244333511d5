/* Written by base/math_fit.py; nobody edits it. */
/* clang-format off */
#define INV_LN2 0x1.71547652b82fep+0 /* 1 / ln 2 */
#define ERFC_CENTRE 0x1.4p+1 /* of ERFC's variable */
/* ln 2: times an integer of 11 bits, the first two are exact */
static const double LN2[] = {0x1.62e42fefa38p-1, 0x1.ef35793c768p-45, -0x1.9ff0342542fc3p-90};
/* 1 / ln 2 */
static const double LOG2_E[] = {0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56};
/* pi / 2 */
static const double HALF_PI[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54};

/* e^x = 1 + x + x^2 EXP(x): 1/2!, 1/3!, ... */
static const struct dd EXP[] = {
	{0x1p-1, 0x0p+0},
	{0x1.5555555555555p-3, 0x1.5555555555555p-57},
	{0x1.5555555555555p-5, 0x1.5555555555555p-59},
	{0x1.1111111111111p-7, 0x1.1111111111111p-63},
	{0x1.6c16c16c16c17p-10, -0x1.f49f49f49f49fp-65},
	{0x1.a01a01a01a01ap-13, 0x1.a01a01a01a01ap-73},
	{0x1.a01a01a01a01ap-16, 0x1.a01a01a01a01ap-76},
	{0x1.71de3a556c734p-19, -0x1.c154f8ddc6cp-73},
	{0x1.27e4fb7789f5cp-22, 0x1.cbbc05b4fa99ap-76},
};

/* sin x = x - x z SIN(z), z = x^2: 1/3!, -1/5!, ... */
static const struct dd SIN[] = {
	{0x1.5555555555555p-3, 0x1.5555555555555p-57},
	{-0x1.1111111111111p-7, -0x1.1111111111111p-63},
	{0x1.a01a01a01a01ap-13, 0x1.a01a01a01a01ap-73},
	{-0x1.71de3a556c734p-19, 0x1.c154f8ddc6cp-73},
	{0x1.ae64567f544e4p-26, -0x1.c062e06d1f209p-80},
	{-0x1.6124613a86d09p-33, -0x1.f28e0cc748ebep-87},
	{0x1.ae7f3e733b81fp-41, 0x1.1d8656b0ee8cbp-97},
	{-0x1.952c77030ad4ap-49, -0x1.ac981465ddc6cp-103},
	{0x1.2f49b46814157p-57, 0x1.2650f61dbdcb4p-112},
	{-0x1.71b8ef6dcf572p-66, 0x1.d043ae40c4647p-120},
	{0x1.761b41316381ap-75, -0x1.3423c7d91404fp-130},
};

/* cos x = 1 - z COS(z), z = x^2: 1/2!, -1/4!, ... */
static const struct dd COS[] = {
	{0x1p-1, 0x0p+0},
	{-0x1.5555555555555p-5, -0x1.5555555555555p-59},
	{0x1.6c16c16c16c17p-10, -0x1.f49f49f49f49fp-65},
	{-0x1.a01a01a01a01ap-16, -0x1.a01a01a01a01ap-76},
	{0x1.27e4fb7789f5cp-22, 0x1.cbbc05b4fa99ap-76},
	{-0x1.1eed8eff8d898p-29, 0x1.2aec959e14c06p-83},
	{0x1.93974a8c07c9dp-37, 0x1.05d6f8a2efd1fp-92},
	{-0x1.ae7f3e733b81fp-45, -0x1.1d8656b0ee8cbp-101},
	{0x1.6827863b97d97p-53, 0x1.eec01221a8b0bp-107},
	{-0x1.e542ba4020225p-62, -0x1.ea72b4afe3c2fp-120},
	{0x1.0ce396db7f853p-70, -0x1.aebcdbd20331cp-124},
};

/* erf x = x ERF(x^2), x <= 1 */
static const struct dd ERF[] = {
	{0x1.20dd750429b6dp+0, 0x1.1ae3a914fed7cp-56},
	{-0x1.812746b0379e7p-2, 0x1.ee12e49cad195p-57},
	{0x1.ce2f21a042be2p-4, -0x1.2871bc5fba87cp-58},
	{-0x1.b82ce31288b51p-6, 0x1.10159a6846f75p-61},
	{0x1.565bcd0e6a53fp-8, -0x1.a74085a402cd5p-64},
	{-0x1.c02db40040b86p-11, 0x1.d9f9ac9e54dddp-65},
	{0x1.f9a326f9b89b7p-14, 0x1.cb60ece3e589ap-68},
	{-0x1.f4d25c3e0c2e9p-17, -0x1.e60c304785d7p-71},
	{0x1.b9e6c9dc6514ap-20, -0x1.57683907f4b9ep-74},
	{-0x1.5f742ec43daep-23, -0x1.92dac5b25d70ep-78},
	{0x1.fcc57205fb92p-27, -0x1.33eea166da33cp-82},
	{-0x1.51d7181901e68p-30, -0x1.cf2d5d6ff0313p-86},
	{0x1.9e6ad578369e4p-34, 0x1.2b3e9982f8e7p-88},
	{-0x1.d84531dfa0c69p-38, -0x1.9faacfee7ee87p-92},
	{0x1.f682d8ed4b838p-42, 0x1.dfc7e1f11081cp-96},
	{-0x1.f5625f77b1704p-46, -0x1.554afcbc3b1c5p-100},
	{0x1.d679ef995b0b1p-50, -0x1.1c622707307adp-105},
	{-0x1.9d38c390269d3p-54, -0x1.4b12dc47b8825p-108},
	{0x1.435bd23214c3ap-58, -0x1.66f2b87cd089cp-114},
	{-0x1.5e12d0e9110cap-63, -0x1.966863dcc66f6p-119},
};

/* erfc x = exp(-x^2) ERFC((x - ERFC_CENTRE) / (x + ERFC_CENTRE)), 1 <= x <= 6 */
static const struct dd ERFC[] = {
	{0x1.afbb3f3b7343bp-3, -0x1.9f40bca1420e3p-58},
	{-0x1.7ca88dec217a6p-2, -0x1.a9c6e858d29d7p-56},
	{0x1.01c11a735cd98p-2, 0x1.68ae246039e29p-56},
	{-0x1.0011543716c91p-3, -0x1.f15660178a26dp-57},
	{0x1.470ba1f67e9fep-5, 0x1.4696e9d384c88p-62},
	{-0x1.05bb2fe5bf503p-8, -0x1.40b946a57f404p-63},
	{-0x1.5a5716ce54ff3p-9, 0x1.5ca63e91c5384p-65},
	{0x1.cb3b61b963e8dp-11, -0x1.925eadc52b2d7p-65},
	{0x1.def2ca6c61b1bp-13, -0x1.8b2db17a01f07p-67},
	{-0x1.0e46693a1a759p-13, 0x1.c5d2b014de978p-70},
	{-0x1.1ebe5ba406b84p-15, 0x1.5f902f27904a2p-70},
	{0x1.384ce4344a0eap-16, -0x1.1e3896424cecep-70},
	{0x1.fb048ff890a12p-18, 0x1.ad9e2f1a00002p-74},
	{-0x1.347697eec347p-19, 0x1.a7f74737bedc4p-75},
	{-0x1.e7a88f05c675ep-20, 0x1.972b2ed92afc1p-74},
	{0x1.40c2531984d58p-24, -0x1.0882dec5e9fp-78},
	{0x1.a25e0fecf04f5p-22, 0x1.083de8cc4ba6fp-78},
	{0x1.7f1866744daaap-24, 0x1.03c9ffd63de38p-78},
	{-0x1.fb053651d4f32p-25, -0x1.d6c340d7393fcp-79},
	{-0x1.5222700157488p-25, -0x1.29d38a3e95ec8p-83},
	{0x1.95a7d4c1bc09fp-37, -0x1.6a58321c88647p-92},
	{0x1.444a29fb6fcd6p-27, -0x1.f091834fc5f7p-82},
	{0x1.006c199d53d39p-28, -0x1.3182d20985ecbp-84},
	{-0x1.c515cb4c84a9ap-31, -0x1.f3d276bfb355fp-85},
	{-0x1.6a43286613691p-30, -0x1.4ed49552347fp-84},
	{-0x1.913bff1cdd4b4p-32, -0x1.36080a28c8fddp-88},
	{0x1.860412eda2912p-33, 0x1.cefc86e87261cp-87},
	{0x1.497c7b0981b82p-33, 0x1.eea9555ed9bfbp-87},
	{0x1.a9e5adf46047cp-36, -0x1.2237b94fbb0dap-91},
};

/* atan x = x ATAN(x^2), |x| <= 1, to 2^-29 */
#define ATAN(z) (0x1.ffffffff64898p-1 + (z) * (-0x1.555553f671b9ap-2 + (z) * (0x1.999914dc909cfp-3 + (z) * (-0x1.2488519fa5a6p-3 + (z) * (0x1.c6533dfc9a77bp-4 + (z) * (-0x1.6f95036b2d2f5p-4 + (z) * (0x1.2811fdeff7003p-4 + (z) * (-0x1.ba035c4e8d652p-5 + (z) * (0x1.151ab904c9279p-5 + (z) * (-0x1.0354cc23b865p-6 + (z) * (0x1.3625e8d6eefb9p-8 + (z) * (-0x1.5bcf6e5741041p-11))))))))))))

/* atanh x = x ATANH(x^2), |x| <= 0.172, to 2^-34 */
#define ATANH(z) (0x1p+0 + (z) * (0x1.5555555555555p-2 + (z) * (0x1.999999999999ap-3 + (z) * (0x1.2492492492492p-3 + (z) * (0x1.c71c71c71c71cp-4 + (z) * (0x1.745d1745d1746p-4))))))

/* 2 / pi: two words before the point, 37 of 32 bits behind it */
static const uint32_t TWO_BY_PI[] = {
	0x00000000, 0x00000000, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0,
	0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561, 0xb7246e3a, 0x424dd2e0,
	0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e, 0xe88235f5, 0x2ebb4484,
	0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b, 0xbdf9283b,
	0x1ff897ff, 0xde05980f, 0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7,
	0x4f463f66, 0x9e5fea2d, 0x7527bac7, 0xebe5f17b, 0x3d0739f7, 0x8a5292ea,
	0x6bfb5fb1, 0x1f8d5d08, 0x56033046,
};
